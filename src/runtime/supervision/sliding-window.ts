/** How often something happened within the last `period` ms. */
export class SlidingWindow {
  readonly #period: number;
  #times: readonly number[] = [];

  constructor(period: number) {
    this.#period = period;
  }

  /** Notes that it happened. Gives how often it has, this time included. */
  add(at: number): number {
    this.#times = [...this.#recent(at), at];
    return this.#times.length;
  }

  count(now: number): number {
    return this.#recent(now).length;
  }

  clear(): void {
    this.#times = [];
  }

  #recent(now: number): readonly number[] {
    return this.#times.filter((time) => time > now - this.#period);
  }
}
