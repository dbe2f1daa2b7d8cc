import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { split } from "../../../src/actors/conversation/split.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc
    .array(fc.oneof(fc.string({ unit: "grapheme", maxLength: 12 }), fc.constantFrom(" ", "\n", "\n\n", "😀😀😀")), {
      maxLength: 80,
    })
    .map((pieces) => pieces.join("")),
);

function bytes(part: string): number {
  return Buffer.byteLength(JSON.stringify(part));
}

function withoutSpace(part: string): string {
  return part.replace(/\s+/g, "");
}

describe("split", () => {
  test("keeps a text that fits as it is", () => {
    expect(split("a b\n\nc", 100, () => true)).toEqual(["a b\n\nc"]);
  });

  test.each([
    ["a paragraph", "one two\n\nthree four five", 18, ["one two\n\nthree", "four five"]],
    ["a paragraph", "one two three\n\nfour five", 18, ["one two three", "four five"]],
    ["a line", "one two three\nfour five", 18, ["one two three", "four five"]],
    ["a word", "one two three four five", 18, ["one two three four", "five"]],
    ["a character", "onetwothreefourfive", 10, ["onetwothre", "efourfive"]],
    ["a surrogate pair's edge", "ab😀cd", 3, ["ab", "😀c", "d"]],
  ])("cuts at %s", (_, whole, longest, parts) => {
    expect(split(whole, longest, () => true)).toEqual(parts);
  });

  test("says nothing for nothing", () => {
    expect(split("", 10, () => true)).toEqual([]);
    expect(split(" \n ", 2, () => true)).toEqual([]);
  });

  test("loses nothing but white space at the cuts, breaks no character, and every part fits", () => {
    fc.assert(
      fc.property(
        text,
        fc.integer({ min: 12, max: 200 }),
        fc.integer({ min: 4, max: 200 }),
        (whole, limit, longest) => {
          const parts = split(whole, longest, (part) => bytes(part) <= limit);
          expect(withoutSpace(parts.join(""))).toBe(withoutSpace(whole));
          const isRight = (part: string): boolean => part !== "" && part.length <= longest && bytes(part) <= limit;
          expect(parts.filter((part) => !isRight(part))).toEqual([]);
          if (whole.isWellFormed()) expect(parts.filter((part) => !part.isWellFormed())).toEqual([]);
          let from = 0;
          for (const part of parts) {
            const at = whole.indexOf(part, from);
            if (at < 0) expect.fail(`"${part}" does not stand in the text after the part before it`);
            from = at + part.length;
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("ends, whatever fits", () => {
    fc.assert(
      fc.property(text, fc.func(fc.boolean()), fc.integer({ min: 1, max: 50 }), (whole, fits, longest) => {
        const parts = split(whole, longest, (part) => fits(part));
        expect(withoutSpace(parts.join(""))).toBe(withoutSpace(whole));
      }),
    );
    expect(split("abc", 10, () => false)).toEqual(["a", "b", "c"]);
  });

  test("does not look at the whole of a long text again and again", () => {
    let looked = 0;
    const parts = split("word ".repeat(200_000), 10_000, (part) => {
      looked += part.length;
      return part.length <= 5_000;
    });
    expect(parts.length).toBeGreaterThanOrEqual(200);
    expect(looked).toBeLessThan(40_000_000);
  });
});
