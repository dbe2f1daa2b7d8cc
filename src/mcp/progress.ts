import type { Cancel, Clock } from "../runtime/clock.ts";

/** What is under way is told at most so often, ms, and at least so often: clients give up after a minute of silence. */
const interval = 10_000;

/** Tells a client how far its call is. */
export class Progress {
  readonly #clock: Pick<Clock, "schedule">;
  readonly #tell: (step: number, message: string | undefined) => void;
  #latest: string | undefined;
  #steps = 0;
  #cancel: Cancel;

  constructor(clock: Pick<Clock, "schedule">, tell: (step: number, message: string | undefined) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#cancel = this.#later();
  }

  /** The first is told at once; of what follows, the latest when it is time. */
  say(message: string): void {
    const isFirst = this.#latest === undefined;
    this.#latest = message;
    if (isFirst) this.#step();
  }

  end(): void {
    this.#cancel();
  }

  #step(): void {
    this.#steps += 1;
    this.#tell(this.#steps, this.#latest);
  }

  #later(): Cancel {
    return this.#clock.schedule(interval, () => {
      this.#step();
      this.#cancel = this.#later();
    });
  }
}
