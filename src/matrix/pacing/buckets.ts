import { MatrixError, type Urgency } from "../port.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { type Waiter, waitAmong } from "./waiter.ts";

/** What the homeserver counts a request with, said as people would: `inviting @anna:example.org`. */
export interface Bucket {
  /** This is what a 429 is about, for all we know. */
  readonly name: string;
  /**
   * A larger one that the request counts in, too. Which of the two a 429 came from it does not tell: that it was this
   * one is clear when two in a row were refused that have only this one in common.
   */
  readonly within?: string;
}

/** A bucket that somebody was lately refused in. All others are not kept. */
interface Limited {
  /** Nobody asks before. */
  until: number;
  refusal: MatrixError;
  /** The smaller bucket that was refused last, where this is a larger one. */
  suspect?: string;
  isBusy: boolean;
  readonly waiting: Set<Waiter>;
}

/** Buckets kept before those that nobody is held back by are dropped. */
const keptAtLeast = 100;
const rank: Readonly<Record<Urgency, number>> = { answer: 0, conversation: 1, housekeeping: 2 };

/**
 * Pauses the bucket that a 429 came from. Whoever asks in it meanwhile is refused here, for as long as the homeserver
 * would; afterwards one asks after the other, until one that is let through has nobody behind it.
 */
export class Buckets {
  readonly #stopwatch: Stopwatch;
  readonly #limited = new Map<string, Limited>();
  #sweepAt = keptAtLeast;

  constructor(stopwatch: Stopwatch) {
    this.#stopwatch = stopwatch;
  }

  /** How many buckets are remembered. */
  get size(): number {
    return this.#limited.size;
  }

  async through<T>(bucket: Bucket, urgency: Urgency, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const names = bucket.within === undefined ? [bucket.name] : [bucket.name, bucket.within];
    const entered: Limited[] = [];
    try {
      for (const name of names) {
        const limited = await this.#enter(name, urgency, signal);
        if (limited !== undefined) entered.push(limited);
      }
      const answer = await work();
      for (const name of names) this.#passed(name);
      return answer;
    } catch (error) {
      if (error instanceof MatrixError && error.kind === "limited" && !(error instanceof HeldBack))
        this.#refused(bucket, error);
      throw error;
    } finally {
      for (const limited of entered) this.#leave(limited);
      for (const name of names) this.#dropIfOver(name);
    }
  }

  /** Gives the bucket, if it is one in which one asks after the other. */
  async #enter(name: string, urgency: Urgency, signal: AbortSignal): Promise<Limited | undefined> {
    for (;;) {
      const limited = this.#limited.get(name);
      if (limited === undefined) return undefined;
      const rest = limited.until - this.#stopwatch.elapsed();
      if (rest > 0) throw new HeldBack(name, rest, limited.refusal);
      if (!limited.isBusy) {
        limited.isBusy = true;
        return limited;
      }
      await waitAmong(limited.waiting, urgency, signal);
    }
  }

  #passed(name: string): void {
    const limited = this.#limited.get(name);
    // What was under way before the refusal does not take it back.
    if (limited === undefined || limited.until > this.#stopwatch.elapsed()) return;
    limited.until = 0;
    delete limited.suspect;
  }

  #refused({ name, within }: Bucket, refusal: MatrixError): void {
    const until = this.#stopwatch.elapsed() + (refusal.retryAfterMs ?? 0);
    Object.assign(this.#keep(name, refusal), { until, refusal });
    if (within === undefined) return;
    const larger = this.#keep(within, refusal);
    if (larger.suspect !== undefined && larger.suspect !== name) Object.assign(larger, { until, refusal });
    larger.suspect = name;
  }

  #keep(name: string, refusal: MatrixError): Limited {
    const known = this.#limited.get(name);
    if (known !== undefined) return known;
    if (this.#limited.size >= this.#sweepAt) this.#sweep();
    const limited: Limited = { until: 0, refusal, isBusy: false, waiting: new Set() };
    this.#limited.set(name, limited);
    return limited;
  }

  #leave(limited: Limited): void {
    limited.isBusy = false;
    const isPaused = limited.until > this.#stopwatch.elapsed();
    const waiting = [...limited.waiting].sort((one, other) => rank[one.urgency] - rank[other.urgency]);
    for (const waiter of isPaused ? waiting : waiting.slice(0, 1)) waiter.admit();
  }

  #dropIfOver(name: string): void {
    const limited = this.#limited.get(name);
    if (limited !== undefined && limited.until === 0 && limited.suspect === undefined && isIdle(limited))
      this.#limited.delete(name);
  }

  #sweep(): void {
    const now = this.#stopwatch.elapsed();
    for (const [name, limited] of this.#limited)
      if (limited.until <= now && isIdle(limited)) this.#limited.delete(name);
    this.#sweepAt = Math.max(keptAtLeast, 2 * this.#limited.size);
  }
}

/** Somebody else was told to wait, and it is the same for whoever asks now. */
class HeldBack extends MatrixError {
  constructor(bucket: string, retryAfterMs: number, refusal: MatrixError) {
    super("limited", `${bucket} has to wait, as the homeserver has asked`, {
      remedy: refusal.remedy,
      retryAfterMs,
      cause: refusal,
    });
  }
}

function isIdle({ isBusy, waiting }: Limited): boolean {
  return !isBusy && waiting.size === 0;
}
