import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoff } from "../../src/machines/wait.ts";

const hour = 3_600_000;
/** What the runtime's jitter may leave of a backoff. */
const shortened = 0.8;

describe("a backoff", () => {
  test("is never shorter than what a server asks within reason, also when jitter shortens it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: hour }), (tries, asked) => {
        expect(backoff(tries, asked) * shortened).toBeGreaterThanOrEqual(asked);
      }),
    );
  });

  test("ends, whatever a server asks", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.double(), (tries, asked) => {
        expect(backoff(tries, asked)).toBeGreaterThanOrEqual(1_000);
        expect(backoff(tries, asked)).toBeLessThanOrEqual(hour / shortened);
      }),
    );
  });

  test.each([Number.NaN, -hour, Number.NEGATIVE_INFINITY])("is as if nothing was asked where %d ms are", (asked) => {
    expect(backoff(3, asked)).toBe(backoff(3));
  });
});
