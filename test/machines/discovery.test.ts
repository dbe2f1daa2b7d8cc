import { expect, test } from "vitest";
import type { Found, Listing } from "../../src/machines/discovery.ts";
import { failure } from "./chart-driver.ts";
import { drive } from "./charts-under-test.ts";

const found: Found = { listed: 3, fresh: 0, renamed: 0, back: 0, missing: 0, disabled: 0 };
const nothing: Listing = {
  changed: [],
  missed: [],
  disabled: [],
  revisions: {},
  found,
  interval: 60_000,
  grace: 7_200_000,
};

test("tells each agent that is new or renamed", () => {
  const discovery = drive.discovery();
  discovery.done("listAgents", { ...nothing, changed: [{ agentId: "agent-1", name: "Scout" }] });
  expect(discovery.tells).toMatchObject([{ to: "test/agent/agent-1", event: { type: "DISCOVERED", name: "Scout" } }]);
  expect(discovery.context.listed).toBe(3);
});

test("tells each agent that is missing or left out", () => {
  const discovery = drive.discovery();
  discovery.done("listAgents", { ...nothing, missed: ["agent-1"], disabled: ["agent-2"] });
  expect(discovery.tells).toMatchObject([
    { to: "test/agent/agent-1", event: { type: "MISSED", grace: 7_200_000 } },
    { to: "test/agent/agent-2", event: { type: "DISABLED" } },
  ]);
});

test("names what it tells by what the agent has taken so far, and says the same again only once it took something", () => {
  const discovery = drive.discovery();
  const look = (listing: Partial<Listing>): unknown => {
    discovery.done("listAgents", { ...nothing, ...listing });
    discovery.fireNext();
    return discovery.tells.at(-1)?.id;
  };
  const missed = { missed: ["agent-1"] };
  const first = look({ ...missed, revisions: { "agent-1": 7 } });
  expect(look({ ...missed, revisions: { "agent-1": 7 } })).toBe(first);
  expect(look({ ...missed, revisions: { "agent-1": 8 } })).not.toBe(first);
  const names = ["Scout", "Ranger"].map((name) => look({ changed: [{ agentId: "agent-1", name }] }));
  expect(new Set([first, ...names]).size).toBe(3);
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

test("whoever asks is told what was found by a listing that began after the question", () => {
  const discovery = drive.discovery();
  discovery.send({ type: "LIST_NOW", replyTo: "during" });
  expect(discovery.done("listAgents", nothing).replies).toEqual([]);
  const other = { ...nothing, found: { ...found, fresh: 1 } };
  expect(discovery.done("listAgents", other).replies).toEqual([{ to: "during", value: other.found }]);
  discovery.send({ type: "LIST_NOW", replyTo: "waiting" });
  discovery.send({ type: "LIST_NOW" });
  expect(discovery.done("listAgents", nothing).replies).toEqual([{ to: "waiting", value: found }]);
  expect(discovery.done("listAgents", nothing).replies).toEqual([]);
});

test("whoever asks is told why there is no listing", () => {
  const discovery = drive.discovery();
  discovery.done("listAgents", nothing);
  discovery.send({ type: "LIST_NOW", replyTo: "ask-1" });
  const { replies } = discovery.fail("listAgents", failure("unreachable"));
  expect(replies).toEqual([{ to: "ask-1", value: { failed: "it failed: unreachable" } }]);
  discovery.send({ type: "LIST_NOW", replyTo: "ask-2" });
  expect(discovery.done("listAgents", nothing).replies).toEqual([{ to: "ask-2", value: found }]);
});

test("a thousand who ask at once do not make the record grow without bound", () => {
  const discovery = drive.discovery();
  for (let n = 0; n < 1_000; n += 1) discovery.send({ type: "LIST_NOW", replyTo: `ask-${n}` });
  expect(discovery.context.asking).toHaveLength(100);
});
