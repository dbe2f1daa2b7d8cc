import type { Cancel, Clock } from "../clock.ts";
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

  /** Calls `run` then; `onPostponed` hears of it when its turn is later than `time`. */
  at(time: number, run: () => void, onPostponed: (until: number) => void): void {
    this.#schedule(time, () => {
      const now = this.#clock.now();
      const turn = this.#budget.turn(now);
      if (turn <= now) return run();
      onPostponed(turn);
      this.#schedule(turn, run);
    });
  }

  cancel(): void {
    this.#cancel();
  }

  #schedule(time: number, run: () => void): void {
    this.#cancel = this.#clock.schedule(Math.max(0, time - this.#clock.now()), run);
  }
}
