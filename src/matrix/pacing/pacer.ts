import type { Urgency } from "../port.ts";
import { Breaker } from "./breaker.ts";
import { type Bucket, Buckets } from "./buckets.ts";
import { Lane } from "./lane.ts";
import type { Stopwatch } from "./stopwatch.ts";

/**
 * Which requests wait for one another: those that make a session, those that make a room, looks that the homeserver
 * answers at once, and all others. A poll that it holds waits for nothing: each agent has one all the time.
 */
export type LaneName = "accounts" | "rooms" | "looks" | "commands" | "polls";

export interface PacedRequest {
  /** The user it is for. */
  readonly asker: string;
  readonly lane: LaneName;
  readonly urgency: Urgency;
  readonly bucket: Bucket;
}

/** Sees to it that all users of one homeserver together ask no more of it than it takes. */
export class Pacer {
  readonly #buckets: Buckets;
  readonly #breaker: Breaker;
  readonly #lanes: Readonly<Record<Exclude<LaneName, "polls">, Lane>> = {
    // Each costs the homeserver a password hash.
    accounts: new Lane({ most: 4, housekeeping: 4 }),
    // Each is a dozen events for the homeserver. Of many at once none is through before whoever asks gives it up, and looks
    // for a room that is half made.
    rooms: new Lane({ most: 4, housekeeping: 4 }),
    // Of a thousand agents that start, each first one takes the homeserver long.
    looks: new Lane({ most: 16, housekeeping: 16 }),
    commands: new Lane({ most: 32, housekeeping: 24 }),
  };

  constructor(stopwatch: Stopwatch) {
    this.#buckets = new Buckets(stopwatch);
    this.#breaker = new Breaker(stopwatch, () => this.#turnAway());
  }

  /**
   * Does `work` when it is its turn; `work` is told whether it is to find out if the homeserver answers again. Fails at
   * once where it would be in vain, with the reason that somebody else was given.
   */
  run<T>(request: PacedRequest, signal: AbortSignal, work: (isProbe: boolean) => Promise<T>): Promise<T> {
    const { asker, lane, urgency, bucket } = request;
    const ask = () => this.#breaker.through(asker, work);
    return this.#buckets.through(bucket, urgency, signal, async () => {
      if (lane === "polls") return ask();
      // Known before there is room for it, and perhaps not known any more once there is.
      this.#breaker.assertPromising();
      return this.#lanes[lane].through(urgency, signal, ask);
    });
  }

  #turnAway(): void {
    for (const lane of Object.values(this.#lanes)) lane.turnAway(() => this.#breaker.refusal());
  }
}
