/** Restarts that all actors together may have. */
export interface BudgetPolicy {
  readonly restarts: number;
  /** Within so many ms, wherever they begin. */
  readonly period: number;
}

export const defaultBudget: BudgetPolicy = { restarts: 100, period: 10_000 };

/** Bounds a storm of restarts: those beyond the budget wait their turn, in the order in which they asked. */
export class RestartBudget {
  readonly #policy: BudgetPolicy;
  /** The newest turns that were given, as many as the budget has. */
  #turns: readonly number[] = [];

  constructor(policy: BudgetPolicy) {
    this.#policy = policy;
  }

  /** When whoever asks at `now`, by a clock that nobody sets, may restart: at once or later. The turn is taken with that. */
  turn(now: number): number {
    const { restarts, period } = this.#policy;
    const oldest = this.#turns.length < restarts ? undefined : this.#turns[0];
    const turn = oldest === undefined ? now : Math.max(now, oldest + period);
    this.#turns = [...this.#turns, turn].slice(-restarts);
    return turn;
  }
}
