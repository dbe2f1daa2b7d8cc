import { describe, expect, test } from "vitest";
import type { AgentContext } from "../../src/machines/agent/context.ts";
import { type ChartDriver, failure } from "./chart-driver.ts";
import { drive } from "./charts-under-test.ts";

type Agent = ChartDriver<AgentContext>;

const hour = 3_600_000;
const missed = { type: "MISSED", grace: 2 * hour };
const discovered = { type: "DISCOVERED", name: "Scout" };

/** Goes through all of provisioning. */
function provision(agent: Agent, roomId: string): void {
  agent.done("ensureProfile", { avatar: null });
  agent.done("resolveRoom", { roomId });
  for (const step of ["importHistory", "linkToSpace", "furnishRoom", "invitePeople", "attachTools"]) agent.done(step);
}

/** An agent in its room, polling. */
function polling(): Agent {
  const agent = drive.agent();
  agent.send(discovered);
  agent.done("ensureAccount");
  agent.send({ type: "SPACE_READY", spaceId: "!space:test" });
  provision(agent, "!room:test");
  agent.done("catchUp", { since: "s1", heard: [] });
  return agent;
}

function retiring(): Agent {
  const agent = polling();
  agent.send(missed);
  agent.at += 2 * hour;
  agent.send(missed);
  return agent;
}

const steps = [
  "listConversations",
  "awaitClosed",
  "markRetired",
  "releaseAlias",
  "unlinkRoom",
  "leaveRoom",
  "detachTools",
];

function retired(): Agent {
  const agent = retiring();
  for (const step of steps) agent.done(step, step === "listConversations" ? [] : undefined);
  return agent;
}

describe("an agent that Letta does not list any more", () => {
  test("#44 stays as it is until a complete listing is without it after its grace, too", () => {
    const agent = polling();
    agent.send(missed);
    agent.at += 2 * hour - 1;
    agent.send(missed);
    expect(agent.value).toMatchObject({ room: "ready", intake: "polling", life: "missing" });
    agent.at += 10 * hour;
    expect(agent.timers.size).toBe(0);
    expect(agent.in("life.missing")).toBe(true);
    agent.send(missed);
    expect(agent.in("life.retiring")).toBe(true);
  });

  test("#44 has never been away when it is listed again in time: its next absence has a grace of its own", () => {
    const agent = polling();
    agent.send(missed);
    agent.at += hour;
    agent.send(discovered);
    agent.at += 2 * hour;
    agent.send(missed);
    expect(agent.value).toMatchObject({ room: "ready", intake: "polling", life: "missing" });
    expect([...agent.running.keys()]).toEqual(["poll"]);
  });

  test("hears nothing more, and takes leave step by step", () => {
    const agent = retiring();
    expect(agent.value).toMatchObject({ room: "offline", intake: "deaf" });
    for (const step of steps) {
      expect([...agent.running.keys()]).toEqual([step]);
      agent.done(step, step === "listConversations" ? [] : undefined);
    }
    expect(agent.value).toEqual({
      account: "online",
      room: "offline",
      intake: "deaf",
      arrears: "settled",
      life: "retired",
      service: "serving",
    });
    expect(agent.context.roomId).toBeUndefined();
  });

  test("tells each of its conversations that nobody can answer there any more", () => {
    const agent = retiring();
    const conversation = "test/conversation/agent-1/!room%3Atest/";
    agent.done("listConversations", [conversation]);
    expect(agent.tells.at(-1)).toEqual({
      to: conversation,
      event: { type: "CLOSE", reason: "Scout is not in Letta any more, so nobody can answer this." },
    });
  });

  test("goes on where its leave was interrupted", () => {
    const agent = retiring();
    agent.done("listConversations", []);
    agent.done("awaitClosed");
    for (const kind of ["unreachable", "limited", "forbidden"]) {
      agent.fail("markRetired", failure(kind));
      expect(agent.context.wait?.reason).toBe(`it failed: ${kind}`);
      agent.fireNext();
      expect([...agent.running.keys()]).toEqual(["markRetired"]);
    }
    agent.fail("markRetired", failure("token"));
    agent.fireNext();
    agent.done("ensureAccount");
    agent.done("markRetired");
    expect([...agent.running.keys()]).toEqual(["releaseAlias"]);
    expect(agent.context.wait).toBeUndefined();
  });

  test("finishes its leave when it is listed meanwhile", () => {
    const agent = retiring();
    agent.send(discovered);
    expect(agent.in("life.retiring.working.listing")).toBe(true);
  });

  test("that never had a room has nothing to leave", () => {
    const agent = drive.agent();
    agent.send(discovered);
    agent.fail("ensureAccount", failure("forbidden"));
    agent.send(missed);
    agent.at += 2 * hour;
    agent.send(missed);
    expect(agent.in("life.retired")).toBe(true);
  });

  test.each(["backingOff", "mending"])("takes leave also while its room is in %s", (state) => {
    const agent = polling();
    agent.send({ type: "INSPECT" });
    agent.fire("xstate.after.noticed.agent.room.noticing");
    agent.done("ensureProfile", { avatar: null });
    agent.fail("resolveRoom", failure(state === "mending" ? "squatted" : "unreachable"));
    expect(agent.in(`room.${state}`)).toBe(true);
    agent.send(missed);
    agent.at += 2 * hour;
    agent.send(missed);
    expect(agent.in("room.offline")).toBe(true);
    expect(agent.context.wait).toBeUndefined();
  });
});

describe("a retired agent that Letta lists again", () => {
  test("gets another room", () => {
    const agent = retired();
    agent.send(discovered);
    agent.done("ensureProfile", { avatar: null });
    agent.done("resolveRoom", { roomId: null });
    agent.done("createRoom", { roomId: "!another:test" });
    expect(agent.context.roomId).toBe("!another:test");
    expect(agent.inputOf("poll")).toMatchObject({ roomId: "!another:test", since: "s1" });
  });

  test("hears from where it stopped, however often it goes and comes: the cursor outlives the room", () => {
    const agent = retired();
    expect(agent.context.since).toBe("s1");
    agent.send(discovered);
    provision(agent, "!another:test");
    expect(agent.inputOf("poll")).toMatchObject({ since: "s1" });
    agent.done("poll", { since: "s2", heard: [] });
    agent.send(missed);
    agent.at += 2 * hour;
    agent.send(missed);
    for (const step of steps) agent.done(step, step === "listConversations" ? [] : undefined);
    agent.send(discovered);
    provision(agent, "!third:test");
    expect(agent.inputOf("poll")).toMatchObject({ roomId: "!third:test", since: "s2" });
  });

  test("can be retired a second time, from the first step on", () => {
    const agent = retired();
    agent.send(discovered);
    provision(agent, "!another:test");
    agent.send(missed);
    agent.at += 2 * hour;
    agent.send(missed);
    for (const step of steps) agent.done(step, step === "listConversations" ? [] : undefined);
    expect(agent.in("life.retired")).toBe(true);
  });
});

describe("a disabled agent", () => {
  test("hears nothing, and keeps what it has", () => {
    const agent = polling();
    agent.send({ type: "DISABLED" });
    expect(agent.value).toEqual({
      account: "online",
      room: "ready",
      intake: "deaf",
      arrears: "settled",
      life: "disabled",
      service: "serving",
    });
  });

  test("that is not disabled any more, but gone from Letta, has its grace like any other", () => {
    const agent = polling();
    agent.send({ type: "DISABLED" });
    agent.at += 10 * hour;
    agent.send(missed);
    expect(agent.in("life.missing")).toBe(true);
    agent.at += 2 * hour;
    agent.send(missed);
    expect(agent.in("life.retiring")).toBe(true);
  });

  test("hears from where it stopped when it is not disabled any more", () => {
    const agent = polling();
    agent.send({ type: "DISABLED" });
    agent.send(discovered);
    expect(agent.inputOf("poll")).toMatchObject({ roomId: "!room:test", since: "s1" });
  });
});
