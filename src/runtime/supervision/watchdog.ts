import type { Cancel, Clock } from "../clock.ts";

/** A process that is woken later than this, ms, has stood still itself, and whoever it watches could not be heard. */
const latest = 1_000;

/** Tells once when something that should give signs of life has given none for `limit` ms. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #onSilence: () => void;
  #heard: number;
  #cancel: Cancel = () => undefined;

  constructor(clock: Clock, limit: number, onSilence: () => void) {
    this.#clock = clock;
    this.#limit = limit;
    this.#onSilence = onSilence;
    this.#heard = clock.elapsed();
    this.#watch();
  }

  /** Costs nothing: a beat may come as often as it likes. */
  beat(): void {
    this.#heard = this.#clock.elapsed();
  }

  stop(): void {
    this.#cancel();
  }

  #watch(): void {
    const due = this.#heard + this.#limit;
    this.#cancel = this.#clock.schedule(due - this.#clock.elapsed(), () => {
      if (this.#clock.elapsed() - due > latest) this.beat();
      if (this.#heard + this.#limit > this.#clock.elapsed()) this.#watch();
      else this.#onSilence();
    });
  }
}
