import { maskedCrc32c } from "./crc32c.ts";
import { Malformed } from "./cursor.ts";

const blockLength = 32 * 1024;
const headLength = 7;
const kinds = { full: 1, first: 2, middle: 3, last: 4 } as const;

/** The records of one of LevelDB's logs, in their order. Throws {@link Malformed} at one that is not what was written. */
export function* logRecords(bytes: Buffer): Generator<Buffer> {
  let parts: Buffer[] = [];
  for (let at = 0; at + headLength <= bytes.length; ) {
    const left = blockLength - (at % blockLength);
    if (left < headLength) {
      at += left;
      continue;
    }
    const length = bytes.readUInt16LE(at + 4);
    const kind = bytes[at + 6];
    const end = at + headLength + length;
    // It was cut off while it was written: LevelDB, too, takes that for the end.
    if (end > bytes.length) return;
    if (maskedCrc32c(bytes.subarray(at + 6, end)) !== bytes.readUInt32LE(at))
      throw new Malformed("a record is damaged");
    const part = bytes.subarray(at + headLength, end);
    parts = kind === kinds.full || kind === kinds.first ? [part] : [...parts, part];
    if (kind === kinds.full || kind === kinds.last) yield Buffer.concat(parts);
    at = end;
  }
}
