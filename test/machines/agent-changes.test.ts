import { describe, expect, test } from "vitest";
import type { Polled } from "../../src/machines/agent/context.ts";
import { type Agent, nothing, polling, provision, resolving } from "./agents.ts";
import { failure } from "./chart-driver.ts";

describe("#16 the room after it was made", () => {
  const changed: Polled = { ...nothing, changed: true };

  function inspected(agent: Agent): boolean {
    return agent.running.has("ensureProfile");
  }

  /** Provisioning goes through its steps once more. */
  function inspect(agent: Agent): void {
    agent.done("ensureProfile", { avatar: null });
    provision(agent);
  }

  test("is looked at again when the audit says so, and stays the room that it is", () => {
    const agent = polling();
    agent.send({ type: "INSPECT" });
    expect(agent.fireNext()).toBe(0);
    expect(inspected(agent)).toBe(true);
    agent.done("ensureProfile", { avatar: null });
    expect(agent.inputOf("resolveRoom")).toEqual({
      userId: "@agent_1:test",
      agentId: "agent-1",
      roomId: "!room:test",
    });
    provision(agent);
    expect(agent.in("room.ready")).toBe(true);
    expect(agent.in("intake.polling"), "it hears meanwhile").toBe(true);
  });

  test("is looked at soon after somebody changed it", () => {
    const agent = polling();
    agent.done("poll", changed);
    const delay = agent.fireNext();
    expect(delay).toBeGreaterThan(0);
    expect(delay).toBeLessThan(2_000);
    expect(inspected(agent)).toBe(true);
  });

  test("is looked at once for several changes", () => {
    const agent = polling();
    for (let n = 0; n < 3; n++) agent.done("poll", changed);
    agent.fireNext();
    inspect(agent);
    expect(agent.in("room.ready")).toBe(true);
    expect(agent.timers.size).toBe(0);
  });

  test("is looked at once more when it was changed while it was looked at", () => {
    const agent = polling();
    agent.done("poll", changed);
    agent.fireNext();
    agent.done("poll", changed);
    inspect(agent);
    agent.fireNext();
    expect(inspected(agent)).toBe(true);
  });

  test("is mended ever less often when somebody undoes it again and again, until the next audit", () => {
    const agent = polling();
    const delays = Array.from({ length: 14 }, () => {
      agent.done("poll", changed);
      const delay = agent.fireNext();
      inspect(agent);
      return delay;
    });
    expect(delays.slice(0, 5).every((delay) => delay < 2_000)).toBe(true);
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
    expect(delays.at(-1)).toBe(60_000);
    agent.send({ type: "INSPECT" });
    agent.fireNext();
    inspect(agent);
    agent.done("poll", changed);
    expect(agent.fireNext()).toBeLessThan(2_000);
  });

  test("is mended soon again when it was left alone for some minutes", () => {
    const agent = polling();
    for (let n = 0; n < 14; n++) {
      agent.done("poll", changed);
      agent.fireNext();
      inspect(agent);
    }
    agent.at += 300_000;
    agent.done("poll", changed);
    expect(agent.fireNext()).toBeLessThan(2_000);
  });

  test("that cannot be mended is looked at as soon as somebody changes it", () => {
    const agent = resolving();
    agent.done("resolveRoom", { roomId: "!room:test" });
    agent.done("catchUp", nothing);
    agent.done("importHistory");
    agent.done("linkToSpace");
    agent.fail("furnishRoom", failure("forbidden"));
    agent.done("invitePeople");
    agent.done("attachTools");
    expect(agent.in("room.mending")).toBe(true);
    agent.done("poll", changed);
    agent.fireNext();
    inspect(agent);
    expect(agent.in("room.ready")).toBe(true);
    expect(agent.context.wait).toBeUndefined();
  });

  test("that was replaced is listened to in its place, from the same cursor", () => {
    const agent = polling();
    agent.done("poll", changed);
    agent.fireNext();
    agent.done("ensureProfile", { avatar: null });
    agent.done("resolveRoom", { roomId: "!upgraded:test" });
    expect(agent.inputOf("poll")).toMatchObject({ roomId: "!upgraded:test", since: "s1" });
    expect(agent.inputOf("linkToSpace")).toMatchObject({ roomId: "!upgraded:test" });
  });

  test("is linked again when there is another space", () => {
    const agent = polling();
    agent.send({ type: "SPACE_READY", spaceId: "!space:test" });
    expect(agent.in("room.ready")).toBe(true);
    agent.send({ type: "SPACE_READY", spaceId: "!other:test" });
    agent.fireNext();
    agent.done("ensureProfile", { avatar: null });
    agent.done("resolveRoom", { roomId: "!room:test" });
    expect(agent.inputOf("linkToSpace")).toMatchObject({ spaceId: "!other:test" });
  });
});

describe("#43 a rename in Letta", () => {
  const listed = (agent: Agent, name: string) => agent.send({ type: "DISCOVERED", name });

  test("is followed when a second listing confirms it: profile and room", () => {
    const agent = polling();
    listed(agent, "Ranger");
    expect(agent.context.name).toBe("Scout");
    expect(agent.in("room.ready")).toBe(true);
    listed(agent, "Ranger");
    expect(agent.context.name).toBe("Ranger");
    expect(agent.context.newName).toBeUndefined();
    agent.fireNext();
    expect(agent.inputOf("ensureProfile")).toMatchObject({ name: "Ranger" });
    agent.done("ensureProfile", { avatar: null });
    agent.done("resolveRoom", { roomId: "!room:test" });
    agent.done("linkToSpace");
    expect(agent.inputOf("furnishRoom")).toMatchObject({ name: "Ranger", roomId: "!room:test" });
  });

  test("that only one listing tells, since it was out of date, is none", () => {
    const agent = polling();
    for (let n = 0; n < 3; n++) {
      listed(agent, "Old Scout");
      listed(agent, "Scout");
    }
    expect(agent.context.name).toBe("Scout");
    expect(agent.context.newName).toBeUndefined();
    expect(agent.in("room.ready")).toBe(true);
    expect(agent.timers.size).toBe(0);
  });

  test("settles on the name that two listings agree on", () => {
    const agent = polling();
    for (const name of ["Ranger", "Warden", "Ranger", "Ranger"]) listed(agent, name);
    expect(agent.context.name).toBe("Ranger");
  });
});
