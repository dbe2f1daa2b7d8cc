import { z } from "zod";
import { type Account, type Credentials, type Homeserver, type MatrixClient, MatrixError } from "../matrix/port.ts";

/** Where access tokens are kept: durable, and apart from all records. */
export interface CredentialVault {
  get(name: string): string | undefined;
  set(name: string, value: string): Promise<void>;
  delete(name: string): Promise<void>;
}

/** What we derive for each of our users, the same at every start. */
export interface Identity {
  passwordOf(userId: string): string;
  deviceIdOf(userId: string): string;
}

const stored = z.object({ userId: z.string(), deviceId: z.string(), accessToken: z.string() });

/** The logins of our own users: each registers or logs in at most once, and is remembered over restarts. */
export class Sessions {
  readonly #homeserver: Homeserver;
  readonly #vault: CredentialVault;
  readonly #identity: Identity;
  readonly #clients = new Map<string, MatrixClient>();
  readonly #logins = new Map<string, Promise<void>>();

  constructor(homeserver: Homeserver, vault: CredentialVault, identity: Identity) {
    this.#homeserver = homeserver;
    this.#vault = vault;
    this.#identity = identity;
  }

  /** Acts as a user that has a session. Throws a MatrixError of kind `token` when it has none. */
  as(userId: string): MatrixClient {
    const known = this.#clients.get(userId);
    if (known !== undefined) return known;
    const credentials = this.#credentialsOf(userId);
    if (credentials === undefined)
      throw new MatrixError("token", `${userId} is not logged in`, { remedy: "wait: it logs in by itself" });
    return this.#use(credentials);
  }

  /**
   * Registers or logs in the user, unless it has a session: then it makes no request. Who asks while a login is under
   * way waits for that one, and fails with it.
   */
  ensure(localpart: string, displayName: string, signal: AbortSignal): Promise<void> {
    const userId = `@${localpart}:${this.#homeserver.serverName}`;
    if (this.#credentialsOf(userId) !== undefined) return Promise.resolve();
    const underWay = this.#logins.get(userId);
    if (underWay !== undefined) return underWay;
    const login = this.#begin(userId, { localpart, displayName }, signal).finally(() => this.#logins.delete(userId));
    this.#logins.set(userId, login);
    return login;
  }

  /** Forgets a session that the homeserver has refused; only this one, where `refused` is given. */
  async forget(userId: string, refused?: MatrixClient): Promise<void> {
    if (refused !== undefined && this.#clients.get(userId) !== refused) return;
    this.#clients.delete(userId);
    await this.#vault.delete(nameOf(userId));
  }

  async #begin(
    userId: string,
    profile: Pick<Account, "localpart" | "displayName">,
    signal: AbortSignal,
  ): Promise<void> {
    const account: Account = {
      ...profile,
      password: this.#identity.passwordOf(userId),
      deviceId: this.#identity.deviceIdOf(userId),
    };
    const credentials = await this.#registerOrLogIn(account, signal);
    await this.#vault.set(nameOf(userId), JSON.stringify(credentials));
    this.#use(credentials);
  }

  async #registerOrLogIn(account: Account, signal: AbortSignal): Promise<Credentials> {
    try {
      return await this.#homeserver.register(account, signal);
    } catch (error) {
      if (error instanceof MatrixError && error.kind === "taken") return this.#homeserver.login(account, signal);
      throw error;
    }
  }

  /** What cannot be read counts as no session; an error about it could quote the token. */
  #credentialsOf(userId: string): Credentials | undefined {
    const text = this.#vault.get(nameOf(userId));
    if (text === undefined) return undefined;
    try {
      return stored.parse(JSON.parse(text));
    } catch {
      return undefined;
    }
  }

  #use(credentials: Credentials): MatrixClient {
    const client = this.#homeserver.as(credentials);
    this.#clients.set(credentials.userId, client);
    return client;
  }
}

function nameOf(userId: string): string {
  return `session ${userId}`;
}
