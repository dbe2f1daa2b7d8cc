import type { ActorId } from "../actor-id.ts";
import { type Cancel, type Clock, untilDue } from "../clock.ts";

/** The pending timers of all actors, each fired once at its deadline or as soon after as the process lives. */
export class TimerSet {
  readonly #clock: Clock;
  readonly #fire: (actor: ActorId, timer: string, generation: number) => void;
  readonly #pending = new Map<string, Cancel>();
  #closed = false;

  constructor(clock: Clock, fire: (actor: ActorId, timer: string, generation: number) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Replaces a timer of the same name. `due`, and `asOf`, when the actor last had it so, are in ms since the epoch. */
  set(
    actor: ActorId,
    timer: string,
    { due, generation }: { readonly due: number; readonly generation: number },
    asOf: number,
  ): void {
    this.cancel(actor, timer);
    if (this.#closed) return;
    const key = `${actor}|${timer}`;
    const cancel = this.#clock.schedule(untilDue(this.#clock, due, asOf), () => {
      this.#pending.delete(key);
      this.#fire(actor, timer, generation);
    });
    this.#pending.set(key, cancel);
  }

  cancel(actor: ActorId, timer: string): void {
    const key = `${actor}|${timer}`;
    this.#pending.get(key)?.();
    this.#pending.delete(key);
  }

  /** Fires nothing more, and takes nothing more. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#pending.values()) cancel();
    this.#pending.clear();
  }
}
