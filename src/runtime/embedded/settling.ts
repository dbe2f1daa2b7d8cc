import type { Cancel, Clock } from "../clock.ts";

/** The time in which an actor only does what it owes. It ends when it is asked to, or by itself after `longest` ms. */
export class Settling {
  readonly #clock: Clock;
  readonly #longest: number;
  readonly #onOver: () => void;
  #cancel: Cancel | undefined;

  constructor(clock: Clock, longest: number, onOver: () => void) {
    this.#clock = clock;
    this.#longest = longest;
    this.#onOver = onOver;
  }

  get isUnderWay(): boolean {
    return this.#cancel !== undefined;
  }

  begin(): void {
    this.cancel();
    this.#cancel = this.#clock.schedule(this.#longest, () => this.endIf(true));
  }

  endIf(isSettled: boolean): void {
    if (!isSettled || !this.isUnderWay) return;
    this.cancel();
    this.#onOver();
  }

  /** Ends it without a word. */
  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
