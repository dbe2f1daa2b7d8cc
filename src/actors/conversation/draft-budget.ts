import type { Clock } from "../../runtime/clock.ts";

export interface BudgetOptions {
  /** Sends that the homeserver takes for long, per second and user. */
  readonly ratePerSecond: number;
  /** Sends that may follow each other at once. */
  readonly burst: number;
}

/** Sends that drafts leave for the answers themselves. */
const keptForFinals = 2;

/**
 * What one agent may send before the homeserver holds it back (a token bucket, as Synapse counts). Drafts ask first;
 * finals are counted, but never wait here.
 */
export class SendBudget {
  readonly #options: BudgetOptions;
  readonly #clock: Clock;
  #tokens: number;
  #countedAt: number;

  constructor(options: BudgetOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#tokens = options.burst;
    this.#countedAt = clock.elapsed();
  }

  /** True when it has nothing to remember: a new one would be the same. */
  get full(): boolean {
    this.#refill();
    return this.#tokens >= this.#options.burst;
  }

  /** Takes one send for a draft, unless that would leave too little for a final. */
  tryDraft(): boolean {
    this.#refill();
    if (this.#tokens < 1 + Math.min(keptForFinals, this.#options.burst - 1)) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Counts a send that happens in any case. */
  spend(): void {
    this.#refill();
    this.#tokens = Math.max(0, this.#tokens - 1);
  }

  /** Takes nothing for `ms`: the homeserver has asked for it. */
  pause(ms: number): void {
    this.#tokens = 0;
    this.#countedAt = this.#clock.elapsed() + ms;
  }

  #refill(): void {
    const now = this.#clock.elapsed();
    if (now <= this.#countedAt) return;
    const { ratePerSecond, burst } = this.#options;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#countedAt) / 1_000) * ratePerSecond);
    this.#countedAt = now;
  }
}

/** Budgets kept before those that are full are dropped. */
const keptAtLeast = 100;

/** The budgets of all agents that have sent something lately, by user. */
export class SendBudgets {
  readonly #options: BudgetOptions;
  readonly #clock: Clock;
  readonly #budgets = new Map<string, SendBudget>();
  #sweepAt = keptAtLeast;

  constructor(options: BudgetOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  of(userId: string): SendBudget {
    const known = this.#budgets.get(userId);
    if (known !== undefined) return known;
    if (this.#budgets.size >= this.#sweepAt) this.#sweep();
    const budget = new SendBudget(this.#options, this.#clock);
    this.#budgets.set(userId, budget);
    return budget;
  }

  #sweep(): void {
    for (const [userId, budget] of this.#budgets) if (budget.full) this.#budgets.delete(userId);
    this.#sweepAt = Math.max(keptAtLeast, 2 * this.#budgets.size);
  }
}
