import { MatrixError, type Pushes } from "../../matrix/port.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";

type News =
  | { readonly state: "reached" }
  /** It has no way to be asked; it pushes, or does not. */
  | { readonly state: "unasked" }
  | { readonly state: "unreached"; readonly reason: string; readonly remedy?: string };

/** Whether the homeserver reaches us, and since when, ms since the epoch. */
export type Reach = { readonly state: "unknown" } | (News & { readonly since: number });

export interface PulseOptions {
  readonly pushes: Pick<Pushes, "ping" | "makesUpFor">;
  readonly clock: Clock;
  /** Has all agents look back at what was said while the homeserver could not reach us. */
  readonly lookBack: (signal: AbortSignal) => Promise<void>;
  /** What is pushed may be taken from now on. */
  readonly open: () => void;
  readonly onChange: (reach: Reach) => void;
}

/** After which silence, and how often at least, the homeserver is asked to reach us, ms. */
const interval = 300_000;
const firstRetry = 1_000;
const longestRetry = 60_000;

/**
 * Has the homeserver reach us: at the start, from time to time, and soon again after it could not. That also ends its
 * waiting after it could not push to us.
 */
export class Pulse {
  readonly #options: PulseOptions;
  #reach: Reach = { state: "unknown" };

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  get reach(): Reach {
    return this.#reach;
  }

  /** Runs until it is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, open, lookBack, pushes } = this.#options;
    // Before anything is pushed: a look back takes what was answered since for all there is to answer.
    const makesUp = await this.#untilDone(signal, async () => {
      const known = await pushes.makesUpFor(signal);
      if (!known) await lookBack(signal);
      return known;
    });
    open();
    let wasReached = true;
    for (let failures = 0; ; ) {
      const isReached = await this.#ping(signal);
      if (isReached && !wasReached && !makesUp) await this.#untilDone(signal, () => lookBack(signal));
      wasReached = isReached;
      failures = isReached ? 0 : failures + 1;
      await sleep(clock, isReached ? interval : Math.min(longestRetry, firstRetry * 2 ** (failures - 1)), signal);
    }
  }

  async #ping(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#options.pushes.ping(signal);
      this.#become({ state: "reached" });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof MatrixError && error.kind === "unsupported") {
        this.#become({ state: "unasked" });
        return true;
      }
      this.#fail(error);
      return false;
    }
  }

  async #untilDone<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures++) {
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        this.#fail(error);
        await sleep(this.#options.clock, Math.min(longestRetry, firstRetry * 2 ** failures), signal);
      }
    }
  }

  #fail(error: unknown): void {
    const remedy = error instanceof MatrixError ? { remedy: error.remedy } : {};
    this.#become({ state: "unreached", reason: error instanceof Error ? error.message : String(error), ...remedy });
  }

  #become(next: News): void {
    const before = this.#reach;
    const since = before.state === next.state ? before.since : this.#options.clock.now();
    this.#reach = { ...next, since };
    if (before.state !== next.state) this.#options.onChange(this.#reach);
  }
}
