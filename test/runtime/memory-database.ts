import type { Clock } from "../../src/runtime/clock.ts";
import type { Database, Write } from "../../src/runtime/embedded/store.ts";

/**
 * A database in memory that knows what is on disk: only what a batch with `sync`, or one before it, has written survives
 * {@link powerLoss}. LevelDB on a killed process cannot show that: the machine's page cache lives on.
 */
export class MemoryDatabase implements Database {
  readonly #clock: Clock;
  #durable: ReadonlyMap<string, string>;
  readonly #rows: Map<string, string>;
  #lost = false;
  #failure: Error | undefined;
  /** How long a batch takes, ms. */
  delay = 0;
  /** Every batch that was begun. */
  readonly batches: (readonly Write[])[] = [];

  constructor(clock: Clock, rows: ReadonlyMap<string, string> = new Map()) {
    this.#clock = clock;
    this.#durable = rows;
    this.#rows = new Map(rows);
  }

  getSync(key: string): string | undefined {
    return this.#rows.get(key);
  }

  async *iterator({ gte, lt }: { gte: string; lt: string }): AsyncGenerator<[string, string]> {
    // As LevelDB compares keys: by their bytes.
    const [from, end] = [Buffer.from(gte), Buffer.from(lt)];
    const rows = [...this.#rows].map((row) => ({ row, bytes: Buffer.from(row[0]) }));
    const within = rows.filter(({ bytes }) => bytes.compare(from) >= 0 && bytes.compare(end) < 0);
    for (const { row } of within.sort((a, b) => a.bytes.compare(b.bytes))) yield row;
  }

  async batch(writes: Write[], { sync }: { sync: boolean }): Promise<void> {
    this.batches.push(writes);
    if (this.delay > 0) await new Promise<void>((resolve) => this.#clock.schedule(this.delay, resolve));
    if (this.#lost) return new Promise(() => undefined);
    if (this.#failure !== undefined) throw this.#failure;
    for (const write of writes)
      if (write.type === "put") this.#rows.set(write.key, write.value);
      else this.#rows.delete(write.key);
    if (sync) this.#durable = new Map(this.#rows);
  }

  /** The next batches fail. */
  fail(error: Error): void {
    this.#failure = error;
  }

  /** What is left after the power went off; whoever still writes here is never answered. */
  powerLoss(): MemoryDatabase {
    this.#lost = true;
    return new MemoryDatabase(this.#clock, this.#durable);
  }

  /** The rows that a loss of power would leave. */
  durable(): readonly (readonly [string, string])[] {
    return [...this.#durable];
  }

  /** The keys of all rows, without those of the given ranges. */
  keys(...without: readonly string[]): string[] {
    return [...this.#rows.keys()].filter((key) => !without.some((prefix) => key.startsWith(prefix))).sort();
  }

  /** The values of a range. */
  values(prefix: string): unknown[] {
    return this.keys()
      .filter((key) => key.startsWith(prefix))
      .map((key) => JSON.parse(this.#rows.get(key) ?? "null"));
  }
}
