import { z } from "zod";
import {
  type Account,
  type Credentials,
  type Homeserver,
  type MatrixClient,
  MatrixError,
  type MatrixErrorKind,
  noToken,
} from "../matrix/port.ts";
import type { Care } from "./care.ts";

/** Where access tokens are kept: durable, and apart from all records. */
export interface CredentialVault {
  get(name: string): string | undefined;
  set(name: string, value: string): Promise<void>;
  delete(name: string): Promise<void>;
  /** The names that begin so. */
  names(prefix: string): AsyncIterable<string>;
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
  readonly #care: Care | undefined;
  readonly #clients = new Map<string, MatrixClient>();
  readonly #logins = new Map<string, Promise<void>>();
  /** Users whose session counts no more, though it may still stand in the vault. */
  readonly #refused = new Set<string>();

  /** `care` where an administrator's token is configured. */
  constructor(homeserver: Homeserver, vault: CredentialVault, identity: Identity, care?: Care) {
    this.#homeserver = homeserver;
    this.#vault = vault;
    this.#identity = identity;
    this.#care = care;
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

  isLoggedIn(userId: string): boolean {
    return this.#credentialsOf(userId) !== undefined;
  }

  /**
   * Registers or logs in the user, unless it has a session: then it makes no request, but once to exempt the user from
   * the rate limits. Who asks while a login is under way waits for that one, and fails with it.
   */
  async ensure(localpart: string, displayName: string, signal: AbortSignal): Promise<void> {
    const userId = `@${localpart}:${this.#homeserver.serverName}`;
    if (this.#credentialsOf(userId) !== undefined) {
      await this.#care?.exempt(userId, signal);
      return;
    }
    const underWay = this.#logins.get(userId);
    if (underWay !== undefined) return underWay;
    const login = this.#begin(userId, { localpart, displayName }, signal).finally(() => this.#logins.delete(userId));
    this.#logins.set(userId, login);
    return login;
  }

  /** Forgets a session that the homeserver has refused; only this one, where `refused` is given. */
  async forget(userId: string, refused?: MatrixClient): Promise<void> {
    if (refused !== undefined && this.#clients.get(userId) !== refused) return;
    // Until a login takes its place it tells, over restarts too, that the user may have no password.
    if (this.#storedOf(userId)?.accessToken === noToken) {
      this.#clients.delete(userId);
      this.#refused.add(userId);
    } else await this.end(userId);
  }

  /** Keeps nothing of the session of a user that is needed no more. */
  async end(userId: string): Promise<void> {
    this.#clients.delete(userId);
    // The vault has it until its end is durable.
    this.#refused.add(userId);
    await this.#vault.delete(nameOf(userId));
  }

  /** Users that an application service has acted as, and that have not logged in since. */
  async *withoutToken(): AsyncIterable<string> {
    for await (const name of this.#vault.names(nameOf("@"))) {
      const userId = name.slice(nameOf("").length);
      if (this.#storedOf(userId)?.accessToken === noToken) yield userId;
    }
  }

  /** Takes over a session that somebody else has made, with the password it was made with where that is not ours. */
  async keep(credentials: Credentials, password?: string): Promise<void> {
    const { userId } = credentials;
    if (password !== undefined) await this.#vault.set(passwordOf(userId), password);
    await this.#vault.set(nameOf(userId), JSON.stringify(credentials));
    this.#refused.delete(userId);
    this.#use(credentials);
  }

  async #begin(
    userId: string,
    profile: Pick<Account, "localpart" | "displayName">,
    signal: AbortSignal,
  ): Promise<void> {
    const account: Account = {
      ...profile,
      password: this.#vault.get(passwordOf(userId)) ?? this.#identity.passwordOf(userId),
      deviceId: this.#identity.deviceIdOf(userId),
    };
    const credentials = await this.#registerOrLogIn(userId, account, signal);
    await this.keep(credentials);
    await this.#care?.exempt(userId, signal);
  }

  async #registerOrLogIn(userId: string, account: Account, signal: AbortSignal): Promise<Credentials> {
    try {
      return await this.#homeserver.register(account, signal);
    } catch (error) {
      if (!isOfKind(error, "taken")) throw error;
    }
    try {
      return await this.#homeserver.login(account, signal);
    } catch (error) {
      if (this.#care === undefined || !isOfKind(error, "forbidden")) throw error;
      // The password we derive, also where another one was taken over: that one is not the user's any more.
      const password = this.#identity.passwordOf(userId);
      if (!(await this.#care.heal(userId, password, signal))) throw error;
      await this.#vault.delete(passwordOf(userId));
      return this.#homeserver.login({ ...account, password }, signal);
    }
  }

  #credentialsOf(userId: string): Credentials | undefined {
    return this.#refused.has(userId) ? undefined : this.#storedOf(userId);
  }

  /** What cannot be read counts as no session; an error about it could quote the token. */
  #storedOf(userId: string): Credentials | undefined {
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

/** Of a password that is not derived. */
function passwordOf(userId: string): string {
  return `password ${userId}`;
}

function isOfKind(error: unknown, kind: MatrixErrorKind): boolean {
  return error instanceof MatrixError && error.kind === kind;
}
