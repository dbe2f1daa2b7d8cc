import { randomUUID } from "node:crypto";
import { Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import { fetchOver } from "./fetch.ts";
import { HttpConnections, type HttpRequest, type HttpResponse, startTimer } from "./http.ts";
import { type Call, MatrixApi } from "./matrix-api.ts";
import { path } from "./path.ts";
import { type HomeserverAdmin, MatrixError } from "./port.ts";
import type { Registration } from "./registration.ts";
import { registerBySharedSecret } from "./shared-secret-registration.ts";
import { SynapseAdmin } from "./synapse-admin.ts";

/** What a homeserver says of itself to everybody. */
export interface Standing {
  /** Of the specification, as it lists them. */
  readonly versions: readonly string[];
  /** Of itself, when it answered; whole seconds as milliseconds since the epoch. */
  readonly clock?: number;
}

/** Whether the homeserver goes by a server name. `own`: what it goes by instead, where it tells. */
export type NameVerdict = { readonly is: "right" } | { readonly is: "wrong"; readonly own?: string };

export interface InspectionOptions {
  readonly baseUrl: string;
  readonly serverName: string;
  readonly registration?: Registration | undefined;
  /** Of a server administrator. */
  readonly adminToken?: string;
}

/** A person waits for what is found. */
const timeLimitMs = 15_000;

/** No server takes it as a user's name, so that nothing is registered. */
const impossibleName = "!doctor";

const versionsAnswer = z.object({ versions: z.array(z.string()) });
const loginAnswer = z.object({ flows: z.array(z.object({ type: z.string() })) });
const keyAnswer = z.object({ server_name: z.string() });
const validityAnswer = z.object({ valid: z.boolean() });

/** Looks at a homeserver without leaving anything there. Every call fails with a MatrixError, as the port's do. */
export class HomeserverInspection {
  /** Where an administrator's token is configured. */
  readonly admin: HomeserverAdmin | undefined;
  readonly #options: InspectionOptions;
  readonly #connections: DatedConnections;
  readonly #api: MatrixApi;

  constructor(options: InspectionOptions) {
    this.#options = options;
    this.#connections = new DatedConnections();
    const fetch = fetchOver(this.#connections, () => ({ lane: "command", timeLimitMs }));
    this.#api = new MatrixApi(options.baseUrl, fetch);
    const { adminToken } = options;
    if (adminToken !== undefined)
      this.admin = new SynapseAdmin(new MatrixApi(options.baseUrl, fetch, adminToken), adminToken);
  }

  async standing(signal: AbortSignal): Promise<Standing> {
    const call: Call = {
      action: "asking for its versions",
      method: Method.Get,
      prefix: "/_matrix/client",
      path: "/versions",
    };
    const { versions } = await this.#api.call(call, versionsAnswer, signal);
    const { date } = this.#connections;
    return { versions, ...(date !== undefined && { clock: date }) };
  }

  /** How users can log in, as `m.login.password`. */
  async loginFlows(signal: AbortSignal): Promise<readonly string[]> {
    const call: Call = { action: "asking how to log in", method: Method.Get, path: "/login" };
    return (await this.#api.call(call, loginAnswer, signal)).flows.map(({ type }) => type);
  }

  /**
   * An administrator's session tells the name for certain, and so does the federation's key where it is served to us.
   * Else an alias is asked for that nobody has: of its own name a homeserver knows that, for another it has to ask there.
   */
  async nameVerdict(signal: AbortSignal): Promise<NameVerdict> {
    const own = (await this.#nameOfAdministrator(signal)) ?? (await this.#nameInKey(signal));
    if (own !== undefined) return own === this.#options.serverName ? { is: "right" } : { is: "wrong", own };
    const alias = `#letta-matrix-doctor-${randomUUID()}:${this.#options.serverName}`;
    const call: Call = {
      action: "looking for an alias",
      method: Method.Get,
      path: path`/directory/room/${alias}`,
    };
    try {
      await this.#api.call(call, z.unknown(), signal);
      return { is: "right" };
    } catch (error) {
      if (error instanceof MatrixError && error.kind === "missing") return { is: "right" };
      if (
        error instanceof MatrixError &&
        (error.kind === "forbidden" || (error.httpStatus === 502 && error.errcode !== undefined))
      )
        return { is: "wrong" };
      throw error;
    }
  }

  /** Fails when the homeserver would not take the configured secret or token. Registers nobody. */
  async tryRegistration(signal: AbortSignal): Promise<void> {
    const { registration } = this.#options;
    if (registration === undefined) return;
    if (registration.kind === "shared-secret") {
      const account = { localpart: impossibleName, password: randomUUID(), deviceId: "DOCTOR" };
      await registerBySharedSecret(registration.secret, this.#api, account, signal).catch((error: unknown) => {
        // It looks at the secret first.
        if (error instanceof MatrixError && error.errcode === "M_INVALID_USERNAME") return;
        throw error;
      });
      return;
    }
    const call: Call = {
      action: "asking for the registration token",
      method: Method.Get,
      prefix: "/_matrix/client/v1",
      path: "/register/m.login.registration_token/validity",
      // The specification's own way; the token is not good for anything but to register.
      query: { token: registration.token },
    };
    const { valid } = await this.#api.call(call, validityAnswer, signal);
    if (!valid)
      throw new MatrixError("forbidden", "the homeserver does not know the registration token, or it is used up", {
        remedy: "Set homeserver.registration.registration_token_file to a token that exists and has uses left.",
      });
  }

  /** Whether it has Synapse's way of limiting rates. */
  async isSynapse(signal: AbortSignal): Promise<boolean> {
    const call: Call = {
      action: "asking whether it is Synapse",
      method: Method.Get,
      prefix: "/_synapse/admin/v1",
      path: "/server_version",
    };
    return this.#api.call(call, z.object({ server_version: z.string() }), signal).then(
      () => true,
      () => false,
    );
  }

  close(): void {
    this.#connections.close();
  }

  async #nameOfAdministrator(signal: AbortSignal): Promise<string | undefined> {
    const session = await this.admin?.session(signal).catch(() => undefined);
    return session?.userId.slice(session.userId.indexOf(":") + 1);
  }

  async #nameInKey(signal: AbortSignal): Promise<string | undefined> {
    const call: Call = {
      action: "asking for its key",
      method: Method.Get,
      prefix: "/_matrix/key/v2",
      path: "/server",
    };
    const answer = await this.#api.call(call, keyAnswer, signal).catch(() => undefined);
    return answer?.server_name;
  }
}

/** Notes what the clock of the other side said last. */
class DatedConnections extends HttpConnections {
  date: number | undefined;

  constructor() {
    super({ startTimer, maxBodyBytes: 1024 * 1024 });
  }

  override async send(request: HttpRequest, signal?: AbortSignal | null): Promise<HttpResponse> {
    const response = await super.send(request, signal);
    const date = Date.parse(response.headers.date ?? "");
    this.date = Number.isNaN(date) ? undefined : date;
    return response;
  }
}
