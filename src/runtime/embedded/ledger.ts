import type { Ledger, LedgerRow } from "../ledger.ts";
import { keys } from "./keys.ts";
import { del, put, type Store } from "./store.ts";

/** A ledger in the store: the oldest row goes when there are more than `most`. */
export class StoredLedger implements Ledger {
  readonly #store: () => Pick<Store, "scan" | "commit">;
  readonly #name: string;
  readonly #most: number;
  /** The position after the last row; looked up once. */
  #end: Promise<number> | undefined;

  /** `store` gives whichever is open, and throws StoreUnavailable while none is. */
  constructor(store: () => Pick<Store, "scan" | "commit">, name: string, most: number) {
    this.#store = store;
    this.#name = name;
    this.#most = most;
  }

  async append(row: object): Promise<void> {
    const store = this.#store();
    const end = this.#known();
    this.#end = end.then((position) => position + 1);
    const position = await end;
    const writes = [put(keys.ledger(this.#name, position), row)];
    if (position >= this.#most) writes.push(del(keys.ledger(this.#name, position - this.#most)));
    await store.commit(writes);
  }

  async page(limit: number, before = Number.MAX_SAFE_INTEGER): Promise<readonly LedgerRow[]> {
    const end = Math.min(before, await this.#known());
    const begin = end - limit;
    const rows: LedgerRow[] = [];
    const after = begin > 0 ? keys.ledger(this.#name, begin - 1) : undefined;
    for await (const [key, text] of this.#store().scan(keys.ledgerOf(this.#name), after)) {
      const position = positionOf(key);
      if (position >= end) break;
      rows.push({ position, value: JSON.parse(text) });
    }
    return rows.reverse();
  }

  #known(): Promise<number> {
    const end = this.#end ?? this.#look();
    this.#end = end;
    end.catch(() => {
      if (this.#end === end) this.#end = undefined;
    });
    return end;
  }

  async #look(): Promise<number> {
    let last = -1;
    for await (const [key] of this.#store().scan(keys.ledgerOf(this.#name))) last = positionOf(key);
    return last + 1;
  }
}

function positionOf(key: string): number {
  return Number(key.slice(key.lastIndexOf("|") + 1));
}
