import { expect, test } from "vitest";
import { askedWaits } from "../ports/asked-waits.ts";
import { matrixError } from "../ports/fake-homeserver.ts";

test.each(askedWaits)("a homeserver that asks for %d ms is given %s", (asked, given) => {
  expect(matrixError("limited", asked).retryAfterMs).toBe(given);
});
