import { Cursor, Malformed } from "./cursor.ts";

/** Undoes the compression of LevelDB's blocks. Throws {@link Malformed}. */
export function unsnapped(bytes: Buffer): Buffer {
  const cursor = new Cursor(bytes);
  const whole = Buffer.alloc(cursor.varint());
  let length = 0;
  while (!cursor.isAtEnd) {
    const tag = cursor.byte();
    const kind = tag & 3;
    if (kind === 0) {
      const literal = cursor.take(literalLength(tag >>> 2, cursor));
      if (length + literal.length > whole.length) throw new Malformed("it is longer than it says");
      length += literal.copy(whole, length);
      continue;
    }
    const count = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const distance = kind === 1 ? (tag >>> 5) * 256 + cursor.byte() : littleEndian(cursor.take(kind === 2 ? 2 : 4));
    if (distance === 0 || distance > length || length + count > whole.length) throw new Malformed("it repeats nothing");
    // Byte by byte: what is repeated may be what is just being written.
    for (let n = 0; n < count; n++, length++) whole[length] = whole[length - distance] ?? 0;
  }
  if (length !== whole.length) throw new Malformed("it is shorter than it says");
  return whole;
}

/** Longer ones have their length behind the tag, in as many bytes as the tag says. */
function literalLength(tagged: number, cursor: Cursor): number {
  return (tagged < 60 ? tagged : littleEndian(cursor.take(tagged - 59))) + 1;
}

function littleEndian(bytes: Buffer): number {
  return bytes.readUIntLE(0, bytes.length);
}
