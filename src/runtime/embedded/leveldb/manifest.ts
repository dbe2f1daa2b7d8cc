import { Cursor, Malformed } from "./cursor.ts";
import { logRecords } from "./log.ts";

/** What a change of the store's set of tables tells, by its number in the manifest; the others are about other things. */
const fields: Readonly<Record<number, (cursor: Cursor, store: Store) => void>> = {
  // The order of keys.
  1: (cursor) => void cursor.text(),
  // The first log that is not in a table yet.
  2(cursor, store) {
    store.log = cursor.varint();
  },
  // The numbers of the next file, of the last write, and of a log as older versions had it.
  3: (cursor) => void cursor.varint(),
  4: (cursor) => void cursor.varint(),
  9: (cursor) => void cursor.varint(),
  // How far tables of a level were merged.
  5(cursor) {
    cursor.varint();
    cursor.text();
  },
  // A table that is not of the store any more: its level, its number.
  6(cursor, { tables }) {
    cursor.varint();
    tables.delete(cursor.varint());
  },
  // One that is: its level, its number, its size, its first and last key.
  7(cursor, { added }) {
    cursor.varint();
    added.add(cursor.varint());
    cursor.varint();
    cursor.text();
    cursor.text();
  },
};

interface Store {
  readonly tables: Set<number>;
  /** With the present change. A table that goes from one level to another is gone in the same one that has it again. */
  readonly added: Set<number>;
  log: number;
}

/** The files that a store is made of, by their numbers: others are left over from a merge. */
export interface Manifest {
  readonly tables: ReadonlySet<number>;
  /** Of the first log: all later ones are the store's, too. */
  readonly log: number;
}

/** Throws {@link Malformed}. */
export function parseManifest(manifest: Buffer): Manifest {
  const store: Store = { tables: new Set(), added: new Set(), log: 0 };
  for (const record of logRecords(manifest)) {
    const cursor = new Cursor(record);
    store.added.clear();
    while (!cursor.isAtEnd) {
      const field = cursor.varint();
      const read = fields[field];
      if (read === undefined) throw new Malformed(`it tells something unknown (${field})`);
      read(cursor, store);
    }
    for (const table of store.added) store.tables.add(table);
  }
  return store;
}
