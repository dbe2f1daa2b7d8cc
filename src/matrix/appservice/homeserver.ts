import { Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import { type ClientServerOptions, connectionsWithin } from "../connections.ts";
import type { OnMalformed } from "../event.ts";
import type { HttpConnections } from "../http.ts";
import { DEVICE_DISPLAY_NAME, toCredentials } from "../login.ts";
import { type Call, type Caller, MatrixApi } from "../matrix-api.ts";
import { nameNewUser } from "../new-user.ts";
import { path } from "../path.ts";
import {
  type Account,
  type Credentials,
  type Homeserver,
  type MatrixClient,
  MatrixError,
  noToken,
  type Sent,
} from "../port.ts";
import { ActingApi } from "./acting-api.ts";
import { ActingClient } from "./acting-client.ts";

export interface AppserviceOptions extends ClientServerOptions {
  /** Where clients reach the homeserver, without `/_matrix`. */
  readonly baseUrl: string;
  /** The part after the colon in its user ids. */
  readonly serverName: string;
  /** The registration's. A secret. */
  readonly asToken: string;
  readonly onSent?: (sent: Sent) => void;
}

const registered = z.object({ user_id: z.string().startsWith("@") });
const nothing = z.unknown();

/** What homeservers say that have no way, or no way any more, to make a device like this. */
const otherWay: ReadonlySet<string> = new Set(["missing", "unsupported", "refused"]);

/** A homeserver as an application service sees it: it acts as all users of its namespace, and nobody logs in. */
export class AppserviceHomeserver implements Homeserver {
  readonly serverName: string;
  /** The application service itself, not one of its users. */
  readonly itself: Caller;
  readonly #connections: HttpConnections;
  readonly #api: MatrixApi;
  readonly #onMalformed: OnMalformed;
  readonly #onSent: (sent: Sent) => void;

  constructor(options: AppserviceOptions) {
    this.serverName = options.serverName;
    this.#onMalformed = options.onMalformed ?? (() => {});
    this.#onSent = options.onSent ?? (() => {});
    const { connections, fetch } = connectionsWithin(options);
    this.#connections = connections;
    this.#api = new MatrixApi(options.baseUrl, fetch, options.asToken);
    this.itself = new ActingApi(this.#api);
  }

  async register(account: Account, signal: AbortSignal): Promise<Credentials> {
    const call: Call = {
      action: `registering ${account.localpart}`,
      method: Method.Post,
      path: "/register",
      body: {
        type: "m.login.application_service",
        username: account.localpart,
        // Some homeservers take nothing else, and a token that nobody uses should not be.
        inhibit_login: true,
      },
    };
    const answer = await this.itself.call(call, registered, signal);
    const credentials = await this.#withDevice(answer.user_id, account, signal);
    await nameNewUser(this.as(credentials), account, signal);
    return credentials;
  }

  /** Needs no password: sees to it that the user has its device, without which transaction ids would not hold. */
  async login(account: Account, signal: AbortSignal): Promise<Credentials> {
    return this.#withDevice(`@${account.localpart}:${this.serverName}`, account, signal);
  }

  as({ userId, deviceId }: Credentials): MatrixClient {
    return new ActingClient(userId, new ActingApi(this.#api, { userId, deviceId }), this.#onMalformed, this.#onSent);
  }

  close(): void {
    this.#connections.close();
  }

  async #withDevice(userId: string, account: Account, signal: AbortSignal): Promise<Credentials> {
    const { deviceId } = account;
    const credentials = toCredentials(
      { user_id: userId, device_id: deviceId, access_token: noToken },
      account,
      this.serverName,
    );
    try {
      await this.#putDevice(credentials, signal);
    } catch (error) {
      if (!(error instanceof MatrixError && otherWay.has(error.kind))) throw error;
      await this.#logIn(credentials, signal);
    }
    return credentials;
  }

  async #putDevice({ userId, deviceId }: Credentials, signal: AbortSignal): Promise<void> {
    const call: Call = {
      action: `making the device of ${userId}`,
      method: Method.Put,
      path: path`/devices/${deviceId}`,
      body: { display_name: DEVICE_DISPLAY_NAME },
    };
    await new ActingApi(this.#api, { userId }).call(call, nothing, signal);
  }

  /** The older way to make a device. The token that it gives is not kept. */
  async #logIn({ userId, deviceId }: Credentials, signal: AbortSignal): Promise<void> {
    const call: Call = {
      action: `making the device of ${userId} by logging in`,
      method: Method.Post,
      path: "/login",
      body: {
        type: "m.login.application_service",
        identifier: { type: "m.id.user", user: userId },
        device_id: deviceId,
        initial_device_display_name: DEVICE_DISPLAY_NAME,
      },
    };
    await this.itself.call(call, nothing, signal);
  }
}
