import { maskedCrc32c } from "./crc32c.ts";
import { Malformed } from "./cursor.ts";

const blockLength = 32 * 1024;
const headLength = 7;
const kinds = { full: 1, first: 2, middle: 3, last: 4 } as const;

interface Part {
  readonly kind: number;
  readonly content: Buffer;
  readonly end: number;
}

/** The records of one of LevelDB's logs, in their order. Throws {@link Malformed} at one that is not what was written. */
export function* logRecords(bytes: Buffer): Generator<Buffer> {
  let parts: Buffer[] = [];
  for (const part of partsOf(bytes)) {
    if (part === undefined) throw new Malformed("a record is damaged");
    const { kind, content } = part;
    parts = begins(part) ? [content] : [...parts, content];
    if (kind === kinds.full || kind === kinds.last) yield Buffer.concat(parts);
  }
}

/**
 * Throws {@link Malformed} when something is missing that was followed by another record: LevelDB goes on behind it, and says
 * nothing. What is missing of the last one was not written when the power went, wherever in it that is: a disk keeps no
 * order, and nobody was told that it was kept.
 */
export function assertLog(bytes: Buffer): void {
  let damaged = false;
  for (const part of partsOf(bytes)) {
    if (part === undefined) damaged = true;
    else if (damaged && begins(part)) throw new Malformed("a record is damaged, and others follow it");
  }
}

function begins({ kind }: Part): boolean {
  return kind === kinds.full || kind === kinds.first;
}

/** The parts of records, as they stand in a log; `undefined` for what is none, after which the next block is looked at. */
function* partsOf(bytes: Buffer): Generator<Part | undefined> {
  for (let at = 0; at + headLength <= bytes.length; ) {
    const left = blockLength - (at % blockLength);
    const part = left < headLength ? undefined : partAt(bytes, at);
    if (left >= headLength) yield part;
    at = part?.end ?? at + left;
  }
}

function partAt(bytes: Buffer, at: number): Part | undefined {
  const end = at + headLength + bytes.readUInt16LE(at + 4);
  if (end > bytes.length || maskedCrc32c(bytes.subarray(at + 6, end)) !== bytes.readUInt32LE(at)) return undefined;
  return { kind: bytes[at + 6] ?? 0, content: bytes.subarray(at + headLength, end), end };
}
