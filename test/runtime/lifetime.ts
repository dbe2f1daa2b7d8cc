import type { Cancel, Clock } from "../../src/runtime/clock.ts";

/** Time as one host sees it: it stands still for a host that was killed. */
export class Lifetime implements Clock {
  readonly #clock: Clock;
  #over = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  elapsed(): number {
    return this.#clock.elapsed();
  }

  schedule(delay: number, run: () => void): Cancel {
    if (this.#over) return () => undefined;
    return this.#clock.schedule(delay, () => {
      if (!this.#over) run();
    });
  }

  end(): void {
    this.#over = true;
  }
}
