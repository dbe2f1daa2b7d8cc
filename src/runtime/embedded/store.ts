import type { NamedValues } from "../ledger.ts";
import { boundsOf, keys } from "./keys.ts";

export type Write =
  | { readonly type: "put"; readonly key: string; readonly value: string }
  | { readonly type: "del"; readonly key: string };

export const put = (key: string, value: unknown): Write => ({ type: "put", key, value: JSON.stringify(value) });
export const del = (key: string): Write => ({ type: "del", key });

/**
 * A put whose JSON is made when it is written, and never when another one of its batch takes its place. `value` was checked
 * to be plain JSON, as here nobody could bear an error any more, and is never changed.
 */
export const putLater = (key: string, value: object): Write => ({
  type: "put",
  key,
  get value() {
    return JSON.stringify(value);
  },
});

/** The little of a database that the store stands on; LevelDB has it. */
export interface Database {
  getSync(key: string): string | undefined;
  /** All rows of a range as they are at this moment, by key. */
  iterator(range: { gte: string; lt: string }): AsyncIterable<[string, string]>;
  /** Writes all or nothing. With `sync`, what it resolves for survives a loss of power. */
  batch(writes: Write[], options: { sync: boolean }): Promise<void>;
}

/**
 * Writing failed. What was committed before is durable, of this commit nobody knows before the store is opened again, and
 * nothing more is taken until then.
 */
export class StoreFailed extends Error {
  override readonly name = "StoreFailed";
  readonly remedy = "Free room on the disk of the data folder, or mend it.";
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: StoreFailed) => void;
}

/**
 * Key-value store with group commit: all commits that wait at the same moment become one fsynced batch, with the last
 * write of each key. Writes reach the disk in the order in which they were given, whether they were committed or ride
 * along.
 */
export class Store {
  readonly #database: Database;
  readonly #onFailure: (error: StoreFailed) => void;
  /** By key: a batch is written whole or not at all, so that nobody could ever read what it overwrites itself. */
  #pending = new Map<string, Write>();
  #waiting: Waiting[] = [];
  #loop: Promise<void> | undefined;
  #failed: StoreFailed | undefined;

  constructor(database: Database, onFailure: (error: StoreFailed) => void) {
    this.#database = database;
    this.#onFailure = onFailure;
  }

  get(key: string): string | undefined {
    return this.#database.getSync(key);
  }

  /** All rows of a range, by key; `after` leaves out those up to a key, and that itself. */
  scan(prefix: string, after?: string): AsyncIterable<[string, string]> {
    const range = boundsOf(prefix);
    return this.#database.iterator(after === undefined ? range : { ...range, gte: `${after}\0` });
  }

  /** Resolves when the writes, and all that were committed before, are on disk. Rejects with {@link StoreFailed}. */
  commit(writes: readonly Write[]): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    this.#add(writes);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#loop ??= this.#run();
    });
  }

  /** Writes along with the next commit. For what may be lost: the note that something was done, which is safe to repeat. */
  ride(writes: readonly Write[]): void {
    this.#add(writes);
  }

  /** Writes down what rides, and waits for every commit under way. */
  async flush(): Promise<void> {
    if (this.#pending.size > 0) await this.commit([]);
    await this.#loop;
  }

  #add(writes: readonly Write[]): void {
    for (const write of writes) this.#pending.set(write.key, write);
  }

  async #run(): Promise<void> {
    // Lets everything that is ready in this turn of the event loop join the batch.
    await Promise.resolve();
    while (this.#waiting.length > 0 && this.#failed === undefined) {
      const group = this.#waiting;
      const pending = this.#pending;
      this.#waiting = [];
      this.#pending = new Map();
      try {
        // Copies: from here on each has its JSON.
        const writes = [...pending.values()].map((write) => ({ ...write }));
        if (writes.length > 0) await this.#database.batch(writes, { sync: true });
        for (const { resolve } of group) resolve();
      } catch (cause) {
        this.#fail(group, cause);
      }
    }
    this.#loop = undefined;
  }

  #fail(group: readonly Waiting[], cause: unknown): void {
    const error = new StoreFailed("the store could not be written", { cause });
    this.#failed = error;
    for (const { reject } of [...group, ...this.#waiting]) reject(error);
    this.#waiting = [];
    this.#onFailure(error);
  }
}

/** Small durable secrets and settings, by name. Values never leave through records, journals or logs. */
export class Vault implements NamedValues {
  readonly #store: Pick<Store, "get" | "commit" | "scan">;

  constructor(store: Pick<Store, "get" | "commit" | "scan">) {
    this.#store = store;
  }

  get(name: string): string | undefined {
    return this.#store.get(keys.vault(name));
  }

  set(name: string, value: string): Promise<void> {
    return this.#store.commit([{ type: "put", key: keys.vault(name), value }]);
  }

  delete(name: string): Promise<void> {
    return this.#store.commit([del(keys.vault(name))]);
  }

  async *names(prefix: string): AsyncIterable<string> {
    const whole = keys.vault(prefix);
    for await (const [key] of this.#store.scan(whole)) yield key.slice(whole.length - prefix.length);
  }
}
