import { expect, test } from "vitest";
import { LettaError } from "../../src/letta/port.ts";

const hour = 3_600_000;

test.each([
  [10 * 365 * 24 * hour, hour],
  [Number.POSITIVE_INFINITY, hour],
  [-1, 0],
  [Number.NaN, undefined],
  [1_500, 1_500],
])("a Letta that asks for %d ms is given %s", (retryAfterMs, given) => {
  expect(new LettaError("unreachable", "later", { remedy: "wait", retryAfterMs }).retryAfterMs).toBe(given);
});
