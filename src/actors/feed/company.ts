import { type MatrixClient, MatrixError, type SyncFilter } from "../../matrix/port.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Residents } from "./residents.ts";

export interface CompanyOptions {
  readonly sessions: {
    isLoggedIn(userId: string): boolean;
    as(userId: string): Pick<MatrixClient, "sync">;
  };
  readonly residents: Pick<Residents, "all">;
  readonly clock: Clock;
}

/** How long the homeserver holds the poll by which we notice that it is gone, ms. */
const longestHold = 30_000;
/** A proxy that does not wait even so long is rather taken for one that does not let us stay, ms. */
const shortestHold = 5_000;
/** Before it is looked again for somebody who could poll, ms. */
const lookAgainAfter = 1_000;

const nothing: SyncFilter = { timelineTypes: [], timelineLimit: 1, stateTypes: [] };

/**
 * Stays with the homeserver, to notice when it is gone: by a poll for nothing of one of our agents, for all of them.
 * (Synapse lets the application service's own user not poll.)
 */
export class Company {
  readonly #options: CompanyOptions;
  #place: { readonly userId: string; readonly since: string } | undefined;
  #failures = 0;
  #held = longestHold;

  constructor(options: CompanyOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the homeserver has answered, at first at once and then when it has held the poll, or when a proxy did not
   * wait so long, which it is then asked no more; fails with a MatrixError as soon as it is gone.
   */
  async attend(signal: AbortSignal): Promise<void> {
    const { sessions, clock } = this.#options;
    const userId = this.#place?.userId ?? this.#anybody();
    if (userId === undefined) return sleep(clock, lookAgainAfter, signal);
    const from = this.#place === undefined ? { timeoutMs: 0 } : { since: this.#place.since, timeoutMs: this.#held };
    try {
      const { nextBatch } = await sessions.as(userId).sync({ ...from, filter: nothing }, signal);
      this.#place = { userId, since: nextBatch };
    } catch (error) {
      if (this.#place !== undefined && isImpatience(error) && this.#held / 2 >= shortestHold) {
        this.#held /= 2;
        return;
      }
      // It may be the user's own trouble, or the place's: another one tries it anew.
      this.#place = undefined;
      this.#failures++;
      throw error;
    }
  }

  #anybody(): string | undefined {
    const { sessions, residents } = this.#options;
    const able = [...residents.all()].filter(({ userId }) => sessions.isLoggedIn(userId));
    return able[this.#failures % Math.max(1, able.length)]?.userId;
  }
}

/** By status 504 a proxy says that it does not wait so long for the homeserver. */
export function isImpatience(error: unknown): boolean {
  return error instanceof MatrixError && error.httpStatus === 504;
}
