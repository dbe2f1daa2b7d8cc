import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppserviceHomeserver } from "../../../src/matrix/appservice/homeserver.ts";
import { AppservicePushes } from "../../../src/matrix/appservice/pushes.ts";
import { ClientServerHomeserver } from "../../../src/matrix/client-server.ts";
import type { PushedEvent, Transaction } from "../../../src/matrix/port.ts";
import { freePort } from "../../servers/free-port.ts";
import type { AppserviceRegistration } from "../../servers/homeserver/appservice/registration.ts";
import { registerUser } from "../../servers/matrix-users.ts";
import type { Synapse } from "../../servers/synapse.ts";
import { besidesThePort, type Outside, type ServerUnderContract, type User } from "./server.ts";

/** Starts Synapse, or what stands for it, in a folder, with one application service. */
export type StartWithAppservice = (
  dir: string,
  rateLimits: "default" | "lifted",
  registration: AppserviceRegistration,
) => Promise<Synapse>;

/** A homeserver that pushes to us, and the adapters that are held to the contract on it. */
export interface PushingServer extends ServerUnderContract {
  readonly homeserver: AppserviceHomeserver;
  readonly registration: AppserviceRegistration;
  readonly synapse: Synapse;
  /** What is pushed is taken: as it comes, or not at all. */
  readonly inbox: Inbox;
  /**
   * In which it notices whether somebody is there, or writes down that somebody was, ms. Synapse keeps to itself what
   * happens just as it is through with all that it could not push.
   */
  readonly noticing: number;
}

/** Who is outside of the namespace begins with this. */
export const outsider = "outsider";

/** The application-service adapters on a server with a folder of its own. Nobody listens before `inbox.open()`. */
export function onAppservice(
  start: StartWithAppservice,
  noticing = 400,
): (rateLimits: "default" | "lifted") => Promise<PushingServer> {
  return async (rateLimits) => {
    const dir = await mkdtemp(join(tmpdir(), "matrix-contract-"));
    const listen = `127.0.0.1:${await freePort()}`;
    const secret = () => randomBytes(24).toString("base64url");
    const registration: AppserviceRegistration = {
      id: "contract",
      url: `http://${listen}`,
      asToken: secret(),
      hsToken: secret(),
      senderLocalpart: "contract-sender",
      rateLimited: false,
      // Whoever looks from outside, or administers, is nobody's.
      users: [`@(?!${outsider}|admin-).*`],
      aliases: [`#(?!${outsider}).*`],
    };
    const synapse = await start(dir, rateLimits, registration);
    const { baseUrl, serverName } = synapse;
    const { asToken } = registration;
    const homeserver = new AppserviceHomeserver({ baseUrl, serverName, asToken });
    const inbox = new Inbox(registration, listen, homeserver);
    const outside: Outside = {
      baseUrl,
      acting: ({ userId, deviceId }) => ({ token: asToken, query: { user_id: userId, device_id: deviceId } }),
    };
    return {
      homeserver,
      ...outside,
      ...besidesThePort(outside),
      registration,
      synapse,
      inbox,
      noticing,
      async crash() {
        await synapse.kill("SIGKILL");
        await synapse.restart();
      },
      async stop() {
        await inbox.close();
        homeserver.close();
        await synapse.stop();
        await rm(dir, { recursive: true, force: true });
      },
    };
  };
}

/** Where the homeserver pushes to; it can be there or not. */
export class Inbox {
  readonly #registration: AppserviceRegistration;
  readonly #listen: string;
  readonly #homeserver: AppserviceHomeserver;
  #pushes: AppservicePushes | undefined;
  #waiting: (() => void)[] = [];
  /** All that was taken, in its order. */
  readonly transactions: Transaction[] = [];
  #held: (() => Promise<void>) | undefined;
  /** Refuses what comes while it is true. */
  refuses = false;

  constructor(registration: AppserviceRegistration, listen: string, homeserver: AppserviceHomeserver) {
    this.#registration = registration;
    this.#listen = listen;
    this.#homeserver = homeserver;
  }

  get events(): readonly PushedEvent[] {
    return this.transactions.flatMap(({ events }) => events);
  }

  async open(): Promise<AppservicePushes> {
    const { id, hsToken } = this.#registration;
    const pushes = new AppservicePushes({ id, listen: this.#listen, hsToken, api: this.#homeserver.itself });
    pushes.deliverTo(async (transaction) => {
      if (this.refuses) throw new Error("it cannot be taken now");
      await this.#held?.();
      this.transactions.push(transaction);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    await pushes.listen();
    this.#pushes = pushes;
    return pushes;
  }

  /** What comes waits to be taken; `begun` resolves when something does. */
  hold(): { readonly begun: Promise<void>; release(): void } {
    const begun = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#held = () => {
      begun.resolve();
      return released.promise;
    };
    return {
      begun: begun.promise,
      release: () => {
        this.#held = undefined;
        released.resolve();
      },
    };
  }

  async close(): Promise<void> {
    await this.#pushes?.close();
    this.#pushes = undefined;
  }

  /** The places at which these were taken, once all of them were; fails when that takes too long. */
  async until(eventIds: readonly string[], ms = 15_000): Promise<readonly number[]> {
    const end = AbortSignal.timeout(ms);
    for (;;) {
      const ids = this.events.map(({ eventId }) => eventId);
      if (eventIds.every((id) => ids.includes(id))) return eventIds.map((id) => ids.indexOf(id));
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        end.addEventListener("abort", () => reject(new Error(`not all of ${eventIds} was pushed within ${ms} ms`)));
        if (end.aborted) reject(new Error(`not all of ${eventIds} was pushed within ${ms} ms`));
      });
    }
  }
}

/** A name that nobody has yet, of somebody outside. */
export function outsiderName(): string {
  return `${outsider}-${randomUUID()}`;
}

/** Somebody who is not ours. */
export async function outsiderOf(synapse: Synapse): Promise<User> {
  const localpart = outsiderName();
  const credentials = await registerUser(synapse, localpart);
  const { baseUrl, serverName, registrationSharedSecret: secret } = synapse;
  const others = new ClientServerHomeserver({ baseUrl, serverName, registration: { kind: "shared-secret", secret } });
  const account = { localpart, password: credentials.password, deviceId: credentials.deviceId };
  return { account, credentials, userId: credentials.userId, client: others.as(credentials) };
}
