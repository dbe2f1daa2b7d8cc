import { expect, test } from "vitest";
import { conversationSteps } from "./conversation-steps.ts";

test("the bench takes the whole turns of the chart as it stands", () => {
  const { value, baseline } = conversationSteps(1);
  expect(value).toBeGreaterThan(0);
  expect(baseline.value).toBeGreaterThan(0);
});
