import { type MatrixClient, MatrixError } from "../matrix/port.ts";
import type { Sessions } from "./sessions.ts";

const displayName = "letta-matrix";

/**
 * The user that owns the space. It has no actor that would notice a refused session and renew it, so whoever acts as
 * it does: once, and in one login however many need it.
 */
export class Bot {
  readonly userId: string;
  readonly #sessions: Sessions;

  constructor(sessions: Sessions, userId: string) {
    this.userId = userId;
    this.#sessions = sessions;
  }

  /** Registers or logs in the bot, unless it has a session. */
  ensure(signal: AbortSignal): Promise<void> {
    return this.#sessions.ensure(this.userId.slice(1, this.userId.indexOf(":")), displayName, signal);
  }

  /** Does something that is safe to repeat. Never fails with kind `token`, which would be about the caller's own. */
  async act<T>(work: (client: MatrixClient) => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.ensure(signal);
    const client = this.#sessions.as(this.userId);
    try {
      return await work(client);
    } catch (error) {
      if (!isTokenRefused(error)) throw error;
      await this.#sessions.forget(this.userId, client);
    }
    await this.ensure(signal);
    try {
      return await work(this.#sessions.as(this.userId));
    } catch (error) {
      if (!isTokenRefused(error)) throw error;
      throw new MatrixError("refused", `the homeserver refuses the session of ${this.userId} right after its login`, {
        remedy: "look into the homeserver's log for the reason",
        cause: error,
      });
    }
  }
}

function isTokenRefused(error: unknown): boolean {
  return error instanceof MatrixError && error.kind === "token";
}
