import { maskedCrc32c } from "./crc32c.ts";
import { Cursor, Malformed } from "./cursor.ts";
import { unsnapped } from "./snappy.ts";

/** One of LevelDB's tables: blocks, each with a checksum, which LevelDB does not look at when it reads them. */

interface Place {
  readonly offset: number;
  readonly size: number;
}

/** An entry of a table; without a value where the row was deleted. */
export interface TableRow {
  readonly key: string;
  readonly value?: string;
  /** LevelDB's own count of writes. */
  readonly write: number;
}

const footerLength = 48;
const magic = 0xdb4775248b80fb57n;
/** How a block is compressed, and its checksum. */
const trailerLength = 5;
const snappy = 1;
/** The number of its write, and whether that was a put, which LevelDB adds to each key. */
const keySuffix = 8;

/** Throws {@link Malformed} unless all of its blocks are what was written there. */
export function assertTable(table: Buffer): void {
  const { metaindex, index } = footerOf(table);
  // Among these is the filter: by a damaged one LevelDB takes rows for missing that are there.
  for (const place of [...placesIn(table, metaindex), ...placesIn(table, index)]) checkedBlock(table, place);
}

/** The rows of all blocks that are what was written there. */
export function* rowsOf(table: Buffer): Generator<TableRow> {
  for (const place of orNone(() => placesIn(table, footerOf(table).index)))
    yield* orNone(() => [...entriesIn(blockAt(table, place))].map(([key, value]) => rowFrom(key, value)));
}

function rowFrom(key: Buffer, value: Buffer): TableRow {
  const suffix = key.subarray(-keySuffix);
  if (suffix.length < keySuffix) throw new Malformed("a key is too short");
  const packed = suffix.readBigUInt64LE();
  const isPut = (packed & 0xffn) === 1n;
  return {
    key: key.subarray(0, -keySuffix).toString("utf8"),
    ...(isPut && { value: value.toString("utf8") }),
    write: Number(packed >> 8n),
  };
}

function orNone<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return [];
    throw error;
  }
}

function footerOf(table: Buffer): { readonly metaindex: Place; readonly index: Place } {
  const footer = table.subarray(-footerLength);
  if (footer.length < footerLength || footer.readBigUInt64LE(footerLength - 8) !== magic)
    throw new Malformed("its end is missing");
  const cursor = new Cursor(footer);
  return { metaindex: placeFrom(cursor), index: placeFrom(cursor) };
}

function placeFrom(cursor: Cursor): Place {
  return { offset: cursor.varint(), size: cursor.varint() };
}

function placesIn(table: Buffer, index: Place): readonly Place[] {
  return [...entriesIn(blockAt(table, index))].map(([, value]) => placeFrom(new Cursor(value)));
}

/** A block with its trailer. */
function checkedBlock(table: Buffer, { offset, size }: Place): Buffer {
  const block = table.subarray(offset, offset + size + trailerLength);
  if (block.length < size + trailerLength) throw new Malformed("a block is missing");
  if (maskedCrc32c(block.subarray(0, size + 1)) !== block.readUInt32LE(size + 1))
    throw new Malformed(`the block at ${offset} is not what was written there`);
  return block;
}

function blockAt(table: Buffer, place: Place): Buffer {
  const block = checkedBlock(table, place);
  const content = block.subarray(0, place.size);
  return block[place.size] === snappy ? unsnapped(content) : content;
}

/** Each key has only what is new in it, compared to the one before. */
function* entriesIn(block: Buffer): Generator<readonly [key: Buffer, value: Buffer]> {
  if (block.length < 4) throw new Malformed("a block is too short");
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) throw new Malformed("a block is too short");
  const cursor = new Cursor(block.subarray(0, end));
  let key = Buffer.alloc(0);
  while (!cursor.isAtEnd) {
    const [shared, fresh, length] = [cursor.varint(), cursor.varint(), cursor.varint()];
    key = Buffer.concat([key.subarray(0, shared), cursor.take(fresh)]);
    yield [key, cursor.take(length)];
  }
}
