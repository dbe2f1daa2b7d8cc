import { jittered } from "../jitter.ts";

export interface BackoffPolicy {
  /** First and longest wait before the next incarnation, ms; doubles in between. */
  readonly minBackoff: number;
  readonly maxBackoff: number;
}

/**
 * How long to wait before something that has failed is begun again: twice as long each time, with a fifth more or less
 * by a hash. Once it has lived as long as the longest wait, it counts from the beginning.
 */
export class Backoff {
  readonly #policy: BackoffPolicy;
  #failures = 0;
  #begunAt: number;

  constructor(policy: BackoffPolicy, begunAt: number) {
    this.#policy = policy;
    this.#begunAt = begunAt;
  }

  begun(at: number): void {
    this.#begunAt = at;
  }

  /** Notes a failure. Gives the wait in ms; `text` decides the jitter. */
  failed(at: number, text: string): number {
    const { minBackoff, maxBackoff } = this.#policy;
    if (at - this.#begunAt >= maxBackoff) this.#failures = 0;
    const doubled = minBackoff * 2 ** this.#failures++;
    const wait = jittered(Math.min(maxBackoff, doubled), text);
    // What does not even begin again has not lived meanwhile.
    this.#begunAt = at + wait;
    return wait;
  }
}
