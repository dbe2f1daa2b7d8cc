import type { Homeserver, HomeserverAdmin } from "../../matrix/port.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Care } from "../care.ts";
import type { Directory } from "../directory.ts";
import type { Identity, Sessions } from "../sessions.ts";

/** Where people find the passwords that were made for them. */
export interface PasswordList {
  /** Adds a user's password, unless one stands there. Durable when the promise resolves. */
  add(userId: string, password: string): Promise<void>;
}

export interface CoreUserOptions {
  readonly homeserver: Homeserver;
  readonly sessions: Sessions;
  readonly identity: Identity;
  readonly passwords: PasswordList;
  readonly directory: Directory;
  readonly clock: Clock;
  /** User id of the bot. */
  readonly botUserId: string;
  /** By user id: who is wanted, with the password that it has already, if one is configured. */
  readonly wanted: ReadonlyMap<string, { readonly password?: string }>;
  readonly admin?: HomeserverAdmin;
  readonly care?: Care;
}
