const polynomial = 0x82f63b78;

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  return crc;
});

/** LevelDB's checksum, as LevelDB keeps it: turned, so that a checksum of what holds checksums is no weaker. */
export function maskedCrc32c(bytes: Uint8Array): number {
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) crc = (table[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  const turned = ~crc;
  return (((turned >>> 15) | (turned << 17)) + 0xa282ead8) >>> 0;
}
