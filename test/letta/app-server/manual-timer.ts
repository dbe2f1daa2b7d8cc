import type { StartTimer } from "../../../src/letta/timer.ts";

/** Time that passes only when a test says so. */
export class ManualTimer {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly expired: () => void }>();

  readonly start: StartTimer = (ms, expired) => {
    const timer = { at: this.#now + ms, expired };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  get pending(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.expired();
    }
    this.#now = until;
  }
}
