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
  /** When the last one asked. */
  #asked = 0;

  constructor(policy: BudgetPolicy) {
    this.#policy = policy;
  }

  /** When whoever asks now may restart: at once or later, ms since the epoch. The turn is taken with that. */
  turn(now: number): number {
    const { restarts, period } = this.#policy;
    // Turns move with a clock that is set back: else all would wait until it is as late again.
    const back = Math.max(0, this.#asked - now);
    if (back > 0) this.#turns = this.#turns.map((turn) => turn - back);
    this.#asked = now;
    const oldest = this.#turns.length < restarts ? undefined : this.#turns[0];
    const turn = oldest === undefined ? now : Math.max(now, oldest + period);
    this.#turns = [...this.#turns, turn].slice(-restarts);
    return turn;
  }
}
