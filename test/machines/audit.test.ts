import { expect, test } from "vitest";
import { failure } from "./chart-driver.ts";
import { drive } from "./charts-under-test.ts";

const batch = { agents: ["test/agent/1", "test/agent/2"], isLast: false, revisions: {}, pause: 10_000 };

test("lets a few agents look at a time, and the space when all have; not before an interval is over, since all look at the very first start", () => {
  const audit = drive.audit();
  expect(audit.fireNext()).toBe(3_600_000);
  expect(audit.inputOf("nextAgents")).toEqual({ after: null });
  audit.done("nextAgents", batch);
  expect(audit.fireNext()).toBe(10_000);
  expect(audit.inputOf("nextAgents")).toEqual({ after: "test/agent/2" });
  audit.done("nextAgents", { agents: ["test/agent/3"], isLast: true, revisions: {}, pause: 20_000 });
  expect(audit.tells.map(({ to, event }) => [to, event])).toEqual(
    ["test/agent/1", "test/agent/2", "test/agent/3", "test/space/agents"].map((to) => [to, { type: "INSPECT" }]),
  );
  expect(audit.fireNext()).toBe(20_000);
  expect(audit.inputOf("nextAgents")).toEqual({ after: null });
});

test("goes on where it was when it failed", () => {
  const audit = drive.audit();
  audit.fireNext();
  audit.done("nextAgents", batch);
  audit.fireNext();
  audit.fail("nextAgents", failure(""));
  expect(audit.context.wait?.reason).toMatch(/./);
  audit.fireNext();
  expect(audit.inputOf("nextAgents")).toEqual({ after: "test/agent/2" });
});
