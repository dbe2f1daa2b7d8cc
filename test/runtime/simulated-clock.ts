import type { Cancel, Clock } from "../../src/runtime/clock.ts";

interface Scheduled {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that passes only when a test says so. What is due at the same moment runs in the order it was scheduled. */
export class SimulatedClock implements Clock {
  #now: number;
  /** By how much somebody has set the time. */
  #set = 0;
  #order = 0;
  readonly #scheduled = new Set<Scheduled>();

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now + this.#set;
  }

  elapsed(): number {
    return this.#now;
  }

  /** Sets the time by `difference` ms, or back: none has passed. */
  set(difference: number): void {
    this.#set += difference;
  }

  schedule(delay: number, run: () => void): Cancel {
    const scheduled = { due: this.#now + Math.max(0, delay), order: this.#order++, run };
    this.#scheduled.add(scheduled);
    return () => this.#scheduled.delete(scheduled);
  }

  /** How many calls are waiting for their time. */
  get pending(): number {
    return this.#scheduled.size;
  }

  /** Milliseconds until the next call is due; `undefined` when none is waiting. */
  get untilNext(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.due - this.#now;
  }

  /** Lets `duration` ms pass, all at once: what is due on the way runs at its moment, and promises are not waited for. */
  advance(duration: number): void {
    const end = this.#now + duration;
    while (this.#runNext(end)) {}
    this.#now = end;
  }

  /** Lets `duration` ms pass while the process stands still: all that was due meanwhile runs late, with the next `pass`. */
  sleep(duration: number): void {
    this.#now += duration;
  }

  /** Lets `duration` ms pass, and what promises do about it happens before time moves on. */
  async pass(duration: number): Promise<void> {
    const end = this.#now + duration;
    await settled();
    while (this.#runNext(end)) await settled();
    this.#now = end;
  }

  #runNext(end: number): boolean {
    const next = this.#next();
    if (next === undefined || next.due > end) return false;
    this.#scheduled.delete(next);
    this.#now = Math.max(this.#now, next.due);
    next.run();
    return true;
  }

  #next(): Scheduled | undefined {
    let next: Scheduled | undefined;
    for (const scheduled of this.#scheduled)
      if (
        next === undefined ||
        scheduled.due < next.due ||
        (scheduled.due === next.due && scheduled.order < next.order)
      )
        next = scheduled;
    return next;
  }
}

/** Resolves when every promise that can go on without time or I/O has done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
