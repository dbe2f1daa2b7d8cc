import { type Cancel, type Clock, untilDue } from "../clock.ts";
import type { RestartBudget } from "../supervision/restart-budget.ts";

/** The restart of one actor: waits for its time, and then for its turn among all actors. */
export class PendingRestart {
  readonly #clock: Clock;
  readonly #budget: RestartBudget;
  #cancel: Cancel = () => undefined;

  constructor(clock: Clock, budget: RestartBudget) {
    this.#clock = clock;
    this.#budget = budget;
  }

  /** Calls `run` at `due`, as it was settled at `asOf`; `onPostponed` hears of it when its turn is later. */
  at(due: number, asOf: number, run: () => void, onPostponed: (until: number) => void): void {
    this.#cancel = this.#clock.schedule(untilDue(this.#clock, due, asOf), () => {
      const now = this.#clock.elapsed();
      // Whole, as all times that are shown are; what has elapsed is not.
      const wait = Math.ceil(this.#budget.turn(now) - now);
      if (wait === 0) return run();
      onPostponed(this.#clock.now() + wait);
      this.#cancel = this.#clock.schedule(wait, run);
    });
  }

  cancel(): void {
    this.#cancel();
  }
}
