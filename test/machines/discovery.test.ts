import { expect, test } from "vitest";
import { failure } from "./chart-driver.ts";
import { drive } from "./charts-under-test.ts";

const nothing = { total: 3, changed: [], interval: 60_000 };

test("tells each agent that is new or renamed", () => {
  const discovery = drive.discovery();
  discovery.done("listAgents", { ...nothing, total: 2, changed: [{ agentId: "agent-1", name: "Scout" }] });
  expect(discovery.tells).toEqual([{ to: "test/agent/agent-1", event: { type: "DISCOVERED", name: "Scout" } }]);
  expect(discovery.context.listed).toBe(2);
});

test("#44 a failed listing changes nothing, and is made again soon", () => {
  const discovery = drive.discovery();
  discovery.done("listAgents", nothing);
  expect(discovery.fireNext()).toBe(60_000);
  discovery.fail("listAgents", failure("unreachable"));
  expect(discovery.tells).toEqual([]);
  expect(discovery.context).toMatchObject({ listed: 3, wait: { reason: "it failed: unreachable" } });
  expect(discovery.fireNext()).toBeLessThan(2_000);
  discovery.done("listAgents", nothing);
  expect(discovery.context.wait).toBeUndefined();
});

test("an interval that is configured anew counts from the next listing on", () => {
  const discovery = drive.discovery();
  discovery.done("listAgents", nothing);
  discovery.fireNext();
  discovery.done("listAgents", { ...nothing, interval: 5_000 });
  expect(discovery.fireNext()).toBe(5_000);
});

test.each(["waiting", "backingOff"])("a hint in %s lists now", (state) => {
  const discovery = drive.discovery();
  if (state === "waiting") discovery.done("listAgents", nothing);
  else discovery.fail("listAgents", failure("unreachable"));
  expect(discovery.value).toBe(state);
  discovery.send({ type: "LIST_NOW" });
  expect(discovery.value).toBe("listing");
});

test("a hint during a listing, which may have passed the place, lists once more", () => {
  const discovery = drive.discovery();
  discovery.send({ type: "LIST_NOW" });
  discovery.send({ type: "LIST_NOW" });
  discovery.done("listAgents", nothing);
  expect(discovery.value).toBe("listing");
  discovery.done("listAgents", nothing);
  expect(discovery.value).toBe("waiting");
});

test("the listing after a failed one sees what a hint during that was about", () => {
  const discovery = drive.discovery();
  discovery.send({ type: "LIST_NOW" });
  discovery.fail("listAgents", failure("unreachable"));
  discovery.fireNext();
  discovery.done("listAgents", nothing);
  expect(discovery.value).toBe("waiting");
});

test("a server that asks for more time gets it", () => {
  const discovery = drive.discovery();
  discovery.fail("listAgents", failure("busy", 90_000));
  expect(discovery.fireNext()).toBeGreaterThanOrEqual(90_000);
});
