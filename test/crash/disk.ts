import { setTimeout as sleep } from "node:timers/promises";
import { Level } from "level";
import type { Write } from "../../src/runtime/embedded/store.ts";

export interface DiskOptions {
  /** Before each write, ms: a commit that takes long leaves more time for what must not happen before it. */
  readonly slow: number;
  /** A batch is about to be written, is being written, or has been, and nobody has been told. */
  readonly on: (when: "committing" | "writing" | "written", writes: readonly Write[]) => void;
}

interface Range {
  readonly gte: string;
  readonly lt: string;
}

/** What the product reads of LevelDB's iterators. */
interface Rows extends AsyncIterable<[string, string]> {
  /** So many at most; none at the end. */
  nextv(size: number): Promise<[string, string][]>;
  close(): Promise<void>;
}

/** What was not synced yet, by key; `undefined` where it was deleted. */
type Unsynced = Map<string, string | undefined>;

/**
 * Puts every LevelDB of this process on a disk that loses power when the process is killed: what was not synced is gone
 * then. A killed process cannot show that by itself, as the machine's page cache lives on. As LevelDB has it, a synced
 * batch makes all those before it durable.
 */
export function losePowerWhenKilled({ slow, on }: DiskOptions): void {
  const { batch, getSync, iterator, close } = Level.prototype;
  const unsyncedOf = new WeakMap<object, Unsynced>();
  const unsynced = (level: object): Unsynced => {
    const known: Unsynced = unsyncedOf.get(level) ?? new Map();
    unsyncedOf.set(level, known);
    return known;
  };
  const sync = (level: object, writes: readonly Write[]): Promise<void> => {
    const all = [...[...unsynced(level)].map(writeOf), ...writes];
    unsynced(level).clear();
    return Reflect.apply(batch, level, [all, { sync: true }]);
  };
  replace("batch", async function (this: object, writes: readonly Write[], options?: { readonly sync?: boolean }) {
    if (slow > 0) await sleep(slow);
    on("committing", writes);
    if (options?.sync !== true) {
      for (const write of writes) unsynced(this).set(write.key, write.type === "put" ? write.value : undefined);
      return;
    }
    const written = sync(this, writes);
    on("writing", writes);
    await written;
    on("written", writes);
  });
  replace("getSync", function (this: object, key: string): string | undefined {
    return unsynced(this).has(key) ? unsynced(this).get(key) : Reflect.apply(getSync, this, [key]);
  });
  replace("iterator", function (this: object, range: Range): Rows {
    const onDisk: Rows = Reflect.apply(iterator, this, [range]);
    return unsynced(this).size === 0 ? onDisk : new MergedRows(onDisk, new Map(unsynced(this)), range);
  });
  // Nothing is lost by an orderly end.
  replace("close", async function (this: object) {
    if (unsynced(this).size > 0) await sync(this, []);
    await Reflect.apply(close, this, []);
  });
}

function replace(name: keyof Level<string, string>, value: (...args: never[]) => unknown): void {
  Object.defineProperty(Level.prototype, name, { value });
}

/** What is on disk, with what was not synced yet in its place. */
class MergedRows implements Rows {
  readonly #onDisk: Rows;
  readonly #rows: AsyncGenerator<[string, string]>;

  constructor(onDisk: Rows, unsynced: Unsynced, range: Range) {
    this.#onDisk = onDisk;
    this.#rows = merged(onDisk, unsynced, range);
  }

  async nextv(size: number): Promise<[string, string][]> {
    const rows: [string, string][] = [];
    while (rows.length < size) {
      const next = await this.#rows.next();
      if (next.done === true) break;
      rows.push(next.value);
    }
    return rows;
  }

  close(): Promise<void> {
    return this.#onDisk.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<[string, string]> {
    return this.#rows;
  }
}

async function* merged(onDisk: Rows, unsynced: Unsynced, { gte, lt }: Range): AsyncGenerator<[string, string]> {
  const rows: Unsynced = new Map();
  for await (const [key, value] of onDisk) rows.set(key, value);
  for (const [key, value] of unsynced) if (key >= gte && key < lt) rows.set(key, value);
  for (const [key, value] of [...rows].toSorted(([one], [other]) => (one < other ? -1 : 1)))
    if (value !== undefined) yield [key, value];
}

function writeOf([key, value]: readonly [string, string | undefined]): Write {
  return value === undefined ? { type: "del", key } : { type: "put", key, value };
}
