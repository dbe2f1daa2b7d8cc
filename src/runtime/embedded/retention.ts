import type { ActorId } from "../actor-id.ts";
import type { Cancel, Clock } from "../clock.ts";
import { actorOfKey, type Range, ranges } from "./keys.ts";
import { scanPastDamage } from "./past-damage.ts";
import { del, type Store } from "./store.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
/** What of each actor is kept: so many however old they are, and beyond them those that are no older than this. */
const kept = [
  { range: ranges.seen, newest: 1_000, age: 7 * day, isTold: false },
  { range: ranges.crash, newest: 100, age: 0, isTold: false },
  { range: ranges.deadLetter, newest: 100, age: 30 * day, isTold: true },
] as const;
/** Deletions in one commit: actors are not to wait for it. */
const atOnce = 1_000;

/**
 * Forgets once a day what need not be known any more: event ids that were taken, crash reports, and dead letters that
 * nobody has decided about.
 */
export class Retention {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onExpired: (letter: string) => void;
  readonly #onUnreadable: (actor: ActorId, error: unknown) => void;
  #cancel: Cancel = () => undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `onExpired` hears of each dead letter that is about to go, by its key; `onUnreadable` of rows that stay. */
  constructor(
    store: Store,
    clock: Clock,
    onExpired: (letter: string) => void,
    onUnreadable: (actor: ActorId, error: unknown) => void,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#onExpired = onExpired;
    this.#onUnreadable = onUnreadable;
  }

  /** Begins soon, so that a process that never lives for a day forgets, too. */
  start(wait = minute): void {
    this.#cancel = this.#clock.schedule(wait, () => {
      // A store that cannot be written has been reported where it failed.
      this.#running = this.forget().catch(() => undefined);
      this.start(day);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  /** Forgets now. */
  async forget(): Promise<void> {
    for (const limits of kept) {
      let rows: [key: string, at: number][] = [];
      for await (const [key, value] of this.#rows(limits.range)) {
        const [first] = rows;
        if (first !== undefined && actorOfKey(first[0]) !== actorOfKey(key)) {
          await this.#forgetOld(rows, limits);
          rows = [];
        }
        if (this.#stopped) return;
        const at = this.#timeOf(key, value);
        if (at !== undefined) rows.push([key, at]);
      }
      await this.#forgetOld(rows, limits);
    }
  }

  /** One damaged row of one actor is no reason to keep everything of all. */
  async *#rows(range: Range): AsyncIterable<[string, string]> {
    for await (const [key, value] of scanPastDamage(this.#store, range))
      if (typeof value === "string") yield [key, value];
      else this.#onUnreadable(actorOfKey(key), value);
  }

  async #forgetOld(rows: [key: string, at: number][], { newest, age, isTold }: (typeof kept)[number]): Promise<void> {
    const before = this.#clock.now() - age;
    const old = rows
      .sort(([, a], [, b]) => b - a)
      .slice(newest)
      .filter(([, at]) => at < before);
    for (let from = 0; from < old.length && !this.#stopped; from += atOnce) {
      const keys = old.slice(from, from + atOnce).map(([key]) => key);
      if (isTold) for (const key of keys) this.#onExpired(key);
      await this.#store.commit(keys.map(del));
    }
  }

  /** When a row was written: it is that time, or has it in `at`. */
  #timeOf(key: string, text: string): number | undefined {
    try {
      const value: unknown = JSON.parse(text);
      return Number(typeof value === "object" && value !== null ? Reflect.get(value, "at") : value);
    } catch (error) {
      this.#onUnreadable(actorOfKey(key), error);
      return undefined;
    }
  }
}
