import type { Level } from "level";
import { z } from "zod";
import { boundsOf, ranges } from "../keys.ts";
import type { Database, Write } from "../store.ts";
import type { HighWaterMark, Identity } from "./identity.ts";
import { type Row, RowDamaged, seal, unseal } from "./seal.ts";
import { damaged } from "./unavailable.ts";

/** Written with each batch, so that it has the number of the last one. */
export const headKey = `${ranges.mark}head`;

const head = z.object({
  format: z.number().int(),
  /** The store's id. */
  store: z.string(),
  epoch: z.number().int(),
  /** How many actors' records there are. */
  records: z.number().int(),
});

export type Head = z.infer<typeof head> & { readonly sequence: number };

/** What the store says of itself; `undefined` when it says nothing. Throws {@link RowDamaged}. */
export function headOf(level: Level<string, string>): Head | undefined {
  const sealed = level.getSync(headKey);
  if (sealed === undefined) return undefined;
  const { value, sequence } = unseal(headKey, sealed);
  return { ...head.parse(JSON.parse(value)), sequence };
}

/**
 * A database in which each row carries a checksum and the number of its batch, and each batch a count: what LevelDB lost
 * without saying so is noticed. Batches are given one after the other.
 */
export class SealedDatabase implements Database {
  readonly #level: Level<string, string>;
  readonly #identity: Identity;
  readonly #mark: HighWaterMark;
  #sequence: number;
  #records: number;

  constructor(
    level: Level<string, string>,
    {
      identity,
      mark,
      sequence,
      records,
    }: { identity: Identity; mark: HighWaterMark; sequence: number; records: number },
  ) {
    this.#level = level;
    this.#identity = identity;
    this.#mark = mark;
    this.#sequence = sequence;
    this.#records = records;
  }

  /** Ms since the epoch. */
  get madeAt(): number {
    return Date.parse(this.#identity.madeAt);
  }

  getSync(key: string): string | undefined {
    const sealed = this.#level.getSync(key);
    return sealed === undefined ? undefined : unseal(key, sealed).value;
  }

  async *iterator(range: { gte: string; lt: string }): AsyncGenerator<[string, string]> {
    for await (const rows of pagesOf(this.#level, range))
      for (const [key, sealed] of rows) yield [key, unseal(key, sealed).value];
  }

  async batch(writes: Write[], { sync }: { sync: boolean }): Promise<void> {
    const sequence = this.#sequence + 1;
    const records = this.#records + this.#addedBy(writes);
    const sealed = writes.map((write) =>
      write.type === "put" ? { ...write, value: seal(write.key, { value: write.value, sequence }) } : write,
    );
    await this.#level.batch([...sealed, headRow(this.#identity, { sequence, records })], { sync });
    this.#sequence = sequence;
    this.#records = records;
    if (sync) this.#mark.raise(sequence);
  }

  async close(): Promise<void> {
    try {
      await this.#level.close();
    } finally {
      await this.#mark.close();
    }
  }

  /** How many records more there are after these writes. */
  #addedBy(writes: readonly Write[]): number {
    const isThere = new Map<string, boolean>();
    let added = 0;
    for (const { type, key } of writes) {
      if (!key.startsWith(ranges.record)) continue;
      const before = isThere.get(key) ?? this.#level.getSync(key) !== undefined;
      const after = type === "put";
      added += Number(after) - Number(before);
      isThere.set(key, after);
    }
    return added;
  }
}

/** Rows that are read at once: to ask LevelDB for each of many thousands would take ten times as long. */
const rowsOfPage = 500;
/** Of which it holds so much at most, as it is told. */
const bytesOfPage = 256 * 1024;

/** All rows of a range as they are at this moment. */
async function* pagesOf(
  level: Level<string, string>,
  range: { gte: string; lt: string },
): AsyncGenerator<readonly [string, string][]> {
  const iterator = level.iterator({ ...range, highWaterMarkBytes: bytesOfPage });
  try {
    for (;;) {
      const rows = await iterator.nextv(rowsOfPage);
      if (rows.length === 0) return;
      yield rows;
    }
  } finally {
    await iterator.close();
  }
}

export function headRow({ format, id, epoch }: Identity, { sequence, records }: { sequence: number; records: number }) {
  const value = JSON.stringify({ format, store: id, epoch, records });
  return { type: "put" as const, key: headKey, value: seal(headKey, { value, sequence }) };
}

/**
 * Compares what a store says of itself with what it holds: all records and secrets are read. Throws StoreUnavailable.
 */
export async function assertWhole(level: Level<string, string>, { sequence, records }: Head): Promise<void> {
  let counted = 0;
  try {
    for (const range of [ranges.record, ranges.vault])
      for await (const rows of pagesOf(level, boundsOf(range)))
        for (const [key, sealed] of rows) {
          const row: Row = unseal(key, sealed);
          if (row.sequence > sequence) throw damaged(`${key} is newer than the store itself`);
          counted += Number(range === ranges.record);
        }
  } catch (error) {
    throw error instanceof RowDamaged ? damaged(error.message, error) : error;
  }
  if (counted !== records) throw damaged(`it has ${counted} of the ${records} actors that were written`);
}
