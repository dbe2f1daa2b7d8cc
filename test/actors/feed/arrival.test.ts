import { expect, test } from "vitest";
import { arrivalOf } from "../../../src/actors/feed/arrival.ts";

test("what a bridge passes on long after it was said arrives when the homeserver gets it", () => {
  expect(arrivalOf({ originServerTs: 1_000, age: 50 }, 3_600_000)).toBe(3_599_950);
});

test("what the homeserver could not push arrived when it got it", () => {
  expect(arrivalOf({ originServerTs: 1_000, age: 3_599_000 }, 3_600_000)).toBe(1_000);
});

test("of a homeserver that does not tell, what was said arrived then", () => {
  expect(arrivalOf({ originServerTs: 1_000 }, 3_600_000)).toBe(1_000);
});
