import { randomUUID } from "node:crypto";
import type { Appservice } from "./appservice/registration.ts";
import type { Entry } from "./entries.ts";

export interface Session {
  readonly userId: string;
  readonly token: string;
  /** Missing for what an administrator acts with, and for an application service that names none. */
  readonly deviceId?: string | undefined;
  /** The application service that acts as the user. */
  readonly appservice?: Appservice;
}

export function newSession(
  userId: string,
  deviceId: string = randomUUID(),
): Extract<Entry, { what: "session" }> & { readonly deviceId: string } {
  return { what: "session", userId, token: `syt_${randomUUID()}`, deviceId };
}

/** Who is logged in, by access token; also those of a user, since there are thousands of users. */
export class Sessions {
  readonly #byToken = new Map<string, Session>();
  readonly #byUser = new Map<string, Map<string, Session>>();

  get(token: string): Session | undefined {
    return this.#byToken.get(token);
  }

  of(userId: string): readonly Session[] {
    return [...(this.#byUser.get(userId)?.values() ?? [])];
  }

  devicesOf(userId: string): readonly string[] {
    return [...new Set(this.of(userId).flatMap(({ deviceId }) => deviceId ?? []))];
  }

  /** A device has one session: logging in again ends the one before. */
  open(session: Session): void {
    const { userId, deviceId, token } = session;
    for (const earlier of this.of(userId))
      if (deviceId !== undefined && earlier.deviceId === deviceId) this.end(earlier.token);
    this.#byToken.set(token, session);
    const own = this.#byUser.get(userId) ?? new Map<string, Session>();
    this.#byUser.set(userId, own.set(token, session));
  }

  end(token: string): void {
    const session = this.#byToken.get(token);
    this.#byToken.delete(token);
    this.#byUser.get(session?.userId ?? "")?.delete(token);
  }

  endAllOf(userId: string): void {
    for (const { token } of this.of(userId)) this.end(token);
  }
}
