import { expect, test } from "vitest";
import { matrixError } from "../ports/fake-homeserver.ts";

const hour = 3_600_000;

test.each([
  [10 * 365 * 24 * hour, hour],
  [Number.POSITIVE_INFINITY, hour],
  [-1, 0],
  [Number.NaN, undefined],
  [1_500, 1_500],
])("a homeserver that asks for %d ms is given %s", (asked, given) => {
  expect(matrixError("limited", asked).retryAfterMs).toBe(given);
});
