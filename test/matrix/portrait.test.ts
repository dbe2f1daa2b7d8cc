import { crc32, inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { portraitOf } from "../../src/matrix/portrait.ts";

/** The chunks of a PNG file, their checksums verified. */
function chunksOf(bytes: Uint8Array): Map<string, Buffer> {
  const file = Buffer.from(bytes);
  expect(file.subarray(0, 8).toString("latin1")).toBe("\u0089PNG\r\n\u001a\n");
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const body = file.subarray(at + 4, at + 8 + length);
    expect(file.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.set(body.subarray(0, 4).toString("latin1"), body.subarray(4));
    at += 12 + length;
  }
  return chunks;
}

describe("an agent's picture", () => {
  test("is a whole PNG file, and small", () => {
    const { bytes, contentType } = portraitOf("agent-1");
    const chunks = chunksOf(bytes);
    expect(contentType).toBe("image/png");
    expect([...chunks.keys()]).toEqual(["IHDR", "PLTE", "IDAT", "IEND"]);
    const size = chunks.get("IHDR")?.readUInt32BE(0) ?? 0;
    expect(inflateSync(chunks.get("IDAT") ?? "")).toHaveLength(size * (size + 1));
    expect(bytes.length).toBeLessThan(4_000);
  });

  test("is the same for the same agent, and another one for each other agent", () => {
    const pictures = Array.from({ length: 200 }, (_, n) => Buffer.from(portraitOf(`agent-${n}`).bytes).toString("hex"));
    expect(new Set(pictures).size).toBe(200);
    expect(Buffer.from(portraitOf("agent-7").bytes).toString("hex")).toBe(pictures[7]);
  });

  test("is the same on both sides, as a face is", () => {
    const chunks = chunksOf(portraitOf("agent-1").bytes);
    const size = chunks.get("IHDR")?.readUInt32BE(0) ?? 0;
    const pixels = inflateSync(chunks.get("IDAT") ?? "");
    for (let y = 0; y < size; y++) {
      const line = pixels.subarray(y * (size + 1) + 1, (y + 1) * (size + 1));
      expect(line.equals(Buffer.from(line).reverse())).toBe(true);
    }
    expect(new Set(pixels)).toEqual(new Set([0, 1]));
  });
});
