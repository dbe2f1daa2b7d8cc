import { rm } from "node:fs/promises";
import { ranges } from "../embedded/keys.ts";
import { damageOfTable, manifestIn, tableFiles } from "../embedded/leveldb/files.ts";
import { rowsOf, type TableRow } from "../embedded/leveldb/table.ts";
import { type RawRow, rawRow } from "./raw-rows.ts";

/**
 * What damaged tables still have, block by block. LevelDB must not read them: it does not look at their checksums, and ends
 * the process over some of what it finds.
 */
export class Salvage {
  readonly #rows = new Map<string, TableRow>();

  /** Takes the damaged tables out of a folder, which is a copy, before LevelDB opens it. */
  static async of(folder: string): Promise<Salvage> {
    const salvage = new Salvage();
    const manifest = await manifestIn(folder);
    for await (const file of tableFiles(folder)) {
      if (damageOfTable(file) === undefined) continue;
      // What is left over from a merge is older than what was made of it.
      if (manifest?.tables.has(file.number) !== false) for (const row of rowsOf(file.bytes)) salvage.#keepNewest(row);
      await rm(file.path);
    }
    return salvage;
  }

  /** Leaves out what LevelDB knows better, once it has made tables of all else that is there. */
  async compare(folder: string): Promise<void> {
    if (this.#rows.size === 0) return;
    for await (const { bytes } of tableFiles(folder))
      for (const { key, write } of rowsOf(bytes)) {
        const ours = this.#rows.get(key);
        if (ours !== undefined && ours.write < write) this.#rows.delete(key);
      }
  }

  /** LevelDB's rows, and in place of those that were overwritten or deleted what was salvaged. */
  async *among(rows: AsyncIterable<RawRow>): AsyncGenerator<RawRow> {
    for await (const row of rows) if (!this.#rows.has(row.key)) yield row;
    for (const { key, value } of this.#rows.values())
      if (value !== undefined && !key.startsWith(ranges.mark)) yield rawRow(key, value);
  }

  #keepNewest(row: TableRow): void {
    const known = this.#rows.get(row.key);
    if (known === undefined || known.write < row.write) this.#rows.set(row.key, row);
  }
}
