import { expect, test } from "vitest";
import { LettaError } from "../../src/letta/port.ts";
import { askedWaits } from "../ports/asked-waits.ts";

test.each(askedWaits)("a Letta that asks for %d ms is given %s", (retryAfterMs, given) => {
  expect(new LettaError("unreachable", "later", { remedy: "wait", retryAfterMs }).retryAfterMs).toBe(given);
});
