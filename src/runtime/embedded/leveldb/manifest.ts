import { Cursor, Malformed } from "./cursor.ts";
import { logRecords } from "./log.ts";

/** What a change of the store's set of tables tells, by its number in the manifest; the others are about other things. */
const fields: Readonly<Record<number, (cursor: Cursor, tables: Set<number>) => void>> = {
  // The order of keys.
  1: (cursor) => void cursor.text(),
  // Numbers of logs, of the next file, and of the last write.
  2: (cursor) => void cursor.varint(),
  3: (cursor) => void cursor.varint(),
  4: (cursor) => void cursor.varint(),
  9: (cursor) => void cursor.varint(),
  // How far tables of a level were merged.
  5(cursor) {
    cursor.varint();
    cursor.text();
  },
  // A table that is not of the store any more: its level, its number.
  6(cursor, tables) {
    cursor.varint();
    tables.delete(cursor.varint());
  },
  // One that is: its level, its number, its size, its first and last key.
  7(cursor, tables) {
    cursor.varint();
    tables.add(cursor.varint());
    cursor.varint();
    cursor.text();
    cursor.text();
  },
};

/** The numbers of the tables that a store is made of: others are left over from a merge. Throws {@link Malformed}. */
export function tablesOf(manifest: Buffer): ReadonlySet<number> {
  const tables = new Set<number>();
  for (const record of logRecords(manifest)) {
    const cursor = new Cursor(record);
    // A table that goes from one level to another is gone in the same record that has it again.
    const added = new Set<number>();
    while (!cursor.isAtEnd) {
      const field = cursor.varint();
      const read = fields[field];
      if (read === undefined) throw new Malformed(`it tells something unknown (${field})`);
      read(cursor, field === 7 ? added : tables);
    }
    for (const table of added) tables.add(table);
  }
  return tables;
}
