import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { split, TooLittleRoom } from "../../../src/actors/conversation/split.ts";
import { anyText } from "../any-text.ts";

const text = fc.oneof(
  anyText(300),
  fc
    .array(fc.oneof(fc.string({ unit: "grapheme", maxLength: 12 }), fc.constantFrom(" ", "\n", "\n\n", "😀😀😀")), {
      maxLength: 80,
    })
    .map((pieces) => pieces.join("")),
);

function bytes(part: string): number {
  return Buffer.byteLength(JSON.stringify(part));
}

function length(part: string): number {
  return part.length;
}

function withoutSpace(part: string): string {
  return part.replace(/\s+/g, "");
}

describe("split", () => {
  test("keeps a text that fits as it is", () => {
    expect(split("a b\n\nc", 100, length)).toEqual(["a b\n\nc"]);
    expect(split("abc", 3, length)).toEqual(["abc"]);
  });

  test.each([
    ["no paragraph that is too short", "one two\n\nthree four five", 20, ["one two\n\nthree four", "five"]],
    ["a paragraph", "one two three\n\nfour five", 20, ["one two three", "four five"]],
    ["a line", "one two three\nfour five", 20, ["one two three", "four five"]],
    ["a word", "one two three four five", 20, ["one two three four", "five"]],
    ["a surrogate pair's edge", "ab😀cd", 3, ["ab", "😀c", "d"]],
  ])("cuts at %s", (_, whole, largest, parts) => {
    expect(split(whole, largest, length)).toEqual(parts);
  });

  test("fills its parts well where there is no better place to cut", () => {
    const parts = split("x".repeat(10_000), 100, length);
    expect(parts.length).toBeLessThanOrEqual(112);
    expect(Math.max(...parts.map(length))).toBeLessThanOrEqual(100);
  });

  test("says nothing for nothing", () => {
    expect(split("", 10, length)).toEqual([]);
    expect(split(" \n ", 2, length)).toEqual([]);
  });

  test("loses nothing but white space at the cuts, breaks no character, and every part fits", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 14, max: 200 }), (whole, largest) => {
        const parts = split(whole, largest, bytes);
        expect(withoutSpace(parts.join(""))).toBe(withoutSpace(whole));
        expect(parts.filter((part) => part === "" || bytes(part) > largest)).toEqual([]);
        if (whole.isWellFormed()) expect(parts.filter((part) => !part.isWellFormed())).toEqual([]);
        let from = 0;
        for (const part of parts) {
          const at = whole.indexOf(part, from);
          if (at < 0) expect.fail(`"${part}" does not stand in the text after the part before it`);
          from = at + part.length;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("ends, whatever the sizes are", () => {
    fc.assert(
      fc.property(text, fc.func(fc.nat(100)), fc.integer({ min: 1, max: 50 }), (whole, more, largest) => {
        const parts = split(whole, largest, (part) => (part === "" ? 0 : part.length + more(part)));
        expect(withoutSpace(parts.join(""))).toBe(withoutSpace(whole));
      }),
    );
    expect(split("abc", 10, (part) => (part === "" ? 0 : 99))).toEqual(["a", "b", "c"]);
  });

  test("fails at once, and lastingly, where what goes with each part leaves too little room for the text", () => {
    const parts = (around: number) => split("x".repeat(200_000), 48_000, (part) => around + part.length);
    expect(parts(10_000).length).toBeLessThan(7);
    expect(() => parts(25_000)).toThrow(TooLittleRoom);
    expect(() => parts(49_000)).toThrow(TooLittleRoom);
    expect(new TooLittleRoom()).toMatchObject({ kind: "too-large", remedy: expect.any(String) });
  });

  test("asks for few sizes: they are costly", () => {
    let asked = 0;
    const parts = split("word & ".repeat(100_000), 10_000, (part) => {
      asked++;
      return 500 + 3 * part.length;
    });
    expect(parts.length).toBeGreaterThan(200);
    expect(asked / parts.length).toBeLessThan(3);
  });
});
