import { type Clock, sleep } from "../../runtime/clock.ts";

/** Something that happens again and again, and that can be waited for. */
export class Moment {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  happens(): void {
    for (const go of [...this.#waiting]) go();
  }

  /** Resolves when it happens next, and after `most` ms at the latest. Rejects with the signal's reason. */
  async next(signal: AbortSignal, most = Number.MAX_SAFE_INTEGER): Promise<void> {
    const happened = new AbortController();
    const go = (): void => happened.abort();
    this.#waiting.add(go);
    try {
      await sleep(this.#clock, most, AbortSignal.any([signal, happened.signal]));
    } catch {
      signal.throwIfAborted();
    } finally {
      this.#waiting.delete(go);
    }
  }
}
