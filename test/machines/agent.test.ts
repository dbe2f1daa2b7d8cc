import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PollInput } from "../../src/machines/agent/context.ts";
import { type Agent, introducing, nothing, polling, resolving } from "./agents.ts";
import { failure } from "./chart-driver.ts";
import { drive } from "./charts-under-test.ts";

function isRenewing(agent: Agent): boolean {
  return agent.running.has("ensureAccount") && agent.inputOf<{ renew: boolean }>("ensureAccount").renew;
}

describe("the account", () => {
  test("is made when the agent has a name, and only then", () => {
    const agent = drive.agent();
    expect(agent.running.size).toBe(0);
    agent.send({ type: "DISCOVERED", name: "Scout" });
    expect(agent.inputOf("ensureAccount")).toEqual({ userId: "@agent_1:test", name: "Scout", renew: false });
  });

  test("backs off while the homeserver is away, and says why it waits", () => {
    const agent = drive.agent();
    agent.send({ type: "DISCOVERED", name: "Scout" });
    const delays = Array.from({ length: 8 }, () => {
      agent.fail("ensureAccount", failure("unreachable"));
      expect(agent.context.wait).toEqual({ reason: "it failed: unreachable", since: 1_000_000 });
      return agent.fireNext();
    });
    expect(delays).toEqual(delays.toSorted((a, b) => Math.min(a, 48_000) - Math.min(b, 48_000)));
    agent.done("ensureAccount");
    expect(agent.context.wait).toBeUndefined();
  });

  test("#40 that is refused for good is tried every ten minutes, visibly", () => {
    const agent = drive.agent();
    agent.send({ type: "DISCOVERED", name: "Scout" });
    agent.fail("ensureAccount", failure("forbidden"));
    expect(agent.in("account.refused")).toBe(true);
    expect(agent.context.wait).toMatchObject({ reason: expect.stringMatching(/./), since: agent.at });
    expect(agent.fireNext()).toBe(600_000);
    agent.done("ensureAccount");
    expect(agent.in("account.online")).toBe(true);
  });

  test("#11 is never asked for less time than the homeserver wants, up to an hour", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_600_000 }), (retryAfterMs) => {
        const agent = drive.agent();
        agent.send({ type: "DISCOVERED", name: "Scout" });
        agent.fail("ensureAccount", failure("limited", retryAfterMs));
        expect(agent.fireNext()).toBeGreaterThanOrEqual(retryAfterMs);
      }),
    );
  });

  test("that is refused is tried at once when its user was taken over from another system", () => {
    const agent = drive.agent();
    agent.send({ type: "DISCOVERED", name: "Scout" });
    agent.fail("ensureAccount", failure("forbidden"));
    agent.send({ type: "ADOPTED" });
    agent.done("ensureAccount");
    expect(agent.in("account.online")).toBe(true);
    agent.send({ type: "ADOPTED" });
    expect(agent.in("account.online")).toBe(true);
  });
});

describe("#38 a refused token", () => {
  test("of a poll is renewed once, and the poll goes on from the same cursor", () => {
    const agent = polling();
    agent.fail("poll", failure("token"));
    expect(isRenewing(agent)).toBe(true);
    expect([...agent.running.keys()]).toEqual(["ensureAccount"]);
    agent.done("ensureAccount");
    expect(agent.inputOf<PollInput>("poll")).toMatchObject({ since: "s1", recovering: true });
    expect(agent.context.tokenRefused).toBe(false);
  });

  test("of provisioning is renewed once, and the room is looked for again", () => {
    const agent = resolving();
    agent.fail("resolveRoom", failure("token"));
    expect(isRenewing(agent)).toBe(true);
    agent.done("ensureAccount");
    agent.done("ensureProfile", { avatar: null });
    expect([...agent.running.keys()]).toEqual(["resolveRoom"]);
    expect(
      agent.tells.filter(({ event }) => event.type === "SPACE_WANTED"),
      "the space is known",
    ).toHaveLength(1);
  });

  test("ends what still runs with it, so that its late refusal is no second login", () => {
    const agent = polling();
    const { generation } = agent.running.get("poll") ?? {};
    agent.send({ type: "TOKEN_REFUSED" });
    expect([...agent.running.keys()]).toEqual(["ensureAccount"]);
    agent.done("ensureAccount");
    const late = { kind: "error", child: "poll", generation: generation ?? -1, error: failure("token") } as const;
    expect(agent.take(late)).toBeUndefined();
    expect([...agent.running.keys()]).toEqual(["poll"]);
  });

  test("in two places at once is one login", () => {
    const agent = resolving();
    agent.done("resolveRoom", { roomId: "!room:test" });
    expect([...agent.running.keys()].toSorted()).toEqual(["catchUp", "importHistory"]);
    agent.fail("catchUp", failure("token"));
    expect([...agent.running.keys()]).toEqual(["ensureAccount"]);
    agent.done("ensureAccount");
    expect([...agent.running.keys()].toSorted()).toEqual(["catchUp", "ensureProfile"]);
    expect(isRenewing(agent)).toBe(false);
  });

  test.each(["poll", "resolveRoom"] as const)("again and again at %s leads to ever fewer logins", (effect) => {
    const agent = effect === "poll" ? polling() : resolving();
    const begin = agent.at;
    let logins = 0;
    while (agent.at < begin + 3_600_000 && logins < 200) {
      agent.fail(effect, failure("token"));
      expect(agent.context.wait?.reason).toMatch(/./);
      if (!isRenewing(agent)) agent.fireNext();
      expect(isRenewing(agent)).toBe(true);
      agent.done("ensureAccount");
      if (effect === "resolveRoom") agent.done("ensureProfile", { avatar: null });
      logins++;
    }
    expect(logins).toBeLessThan(100);
  });

  test("while the account is being renewed already changes nothing", () => {
    const agent = polling();
    agent.send({ type: "TOKEN_REFUSED" });
    const { generation } = agent.running.get("ensureAccount") ?? {};
    agent.send({ type: "TOKEN_REFUSED" });
    expect(agent.running.get("ensureAccount")?.generation).toBe(generation);
  });
});

describe("the room", () => {
  test("is created when there is none, linked, and people are invited", () => {
    const agent = resolving();
    agent.done("resolveRoom", { roomId: null });
    expect(agent.inputOf("createRoom")).toEqual({
      userId: "@agent_1:test",
      agentId: "agent-1",
      name: "Scout",
      avatarUrl: null,
      spaceId: "!space:test",
    });
    agent.done("createRoom", { roomId: "!room:test" });
    expect(agent.inputOf("importHistory")).toEqual({
      userId: "@agent_1:test",
      agentId: "agent-1",
      name: "Scout",
      roomId: "!room:test",
    });
    agent.done("importHistory");
    agent.done("linkToSpace");
    agent.done("furnishRoom");
    expect(agent.inputOf("invitePeople")).toEqual({ userId: "@agent_1:test", roomId: "!room:test" });
    agent.done("invitePeople");
    agent.done("attachTools");
    expect(agent.in("room.ready")).toBe(true);
  });

  test("#13 is not created while it is unknown whether there is one", () => {
    const agent = resolving();
    for (const kind of ["unreachable", "limited", "malformed", ""]) {
      agent.fail("resolveRoom", failure(kind));
      agent.fireNext();
      expect([...agent.running.keys()]).toEqual(["resolveRoom"]);
    }
  });

  test("that was created before a crash is found, not created for ever", () => {
    const agent = resolving();
    agent.done("resolveRoom", { roomId: null });
    agent.fail("createRoom", failure("taken"));
    expect(agent.context.wait?.reason).toBe("it failed: taken");
    expect(agent.fireNext()).toBeLessThan(2_000);
    agent.done("resolveRoom", { roomId: "!room:test" });
    expect(agent.in("room.provisioning.importing")).toBe(true);
    expect(agent.context.wait).toBeUndefined();
  });

  test("whose alias is taken and leads nowhere is asked for ever less often", () => {
    const agent = resolving();
    const delays = Array.from({ length: 8 }, () => {
      agent.done("resolveRoom", { roomId: null });
      agent.fail("createRoom", failure("taken"));
      return agent.fireNext();
    });
    expect(delays.at(-1)).toBeGreaterThan(40_000);
  });

  test.each(["ensureProfile", "importHistory", "linkToSpace", "furnishRoom", "invitePeople"])(
    "goes on at %s after what interrupted it",
    (effect) => {
      const agent = upTo(effect);
      agent.fail(effect, failure("unreachable"));
      expect(agent.in("room.backingOff")).toBe(true);
      expect(agent.fireNext()).toBeGreaterThanOrEqual(800);
      expect([...agent.running.keys()]).toContain(effect);
    },
  );

  test.each([
    ["ensureProfile", "resolveRoom"],
    ["importHistory", "linkToSpace"],
    ["linkToSpace", "furnishRoom"],
    ["furnishRoom", "invitePeople"],
  ])("#18 that cannot do %s does the rest all the same, says so, and tries again", (effect, next) => {
    const agent = upTo(effect);
    agent.fail(effect, failure("forbidden"));
    expect(agent.running.has(next)).toBe(true);
    finish(agent);
    expect(agent.in("room.mending")).toBe(true);
    expect(agent.context.wait?.reason).toContain("forbidden");
    const { since } = agent.context.wait ?? {};
    expect(agent.fireNext()).toBe(600_000);
    expect(agent.context.wait?.since, "it is the same trouble").toBe(since);
    finish(agent);
    expect(agent.in("room.ready")).toBe(true);
    expect(agent.context.wait).toBeUndefined();
  });

  /** An agent whose next step this is. */
  function upTo(effect: string): Agent {
    const agent = introducing();
    while (!agent.running.has(effect)) step(agent);
    return agent;
  }

  /** The first step that runs goes well. */
  function step(agent: Agent): void {
    const [effect] = [...agent.running.keys()].filter((name) => name !== "catchUp" && name !== "poll");
    if (effect === undefined) throw new Error("nothing runs");
    agent.done(effect, { avatar: null, roomId: "!room:test" });
  }

  function finish(agent: Agent): void {
    while (agent.in("room.provisioning")) step(agent);
    if (agent.running.has("catchUp")) agent.done("catchUp", nothing);
  }

  test("is told the agent's past once, also when Letta was away for long", () => {
    const agent = upTo("importHistory");
    for (let n = 0; n < 5; n++) {
      agent.fail("importHistory", failure("unreachable"));
      expect(agent.in("room.backingOff")).toBe(true);
      agent.fire("xstate.after.roomRetry.agent.room.backingOff");
    }
    finish(agent);
    agent.send({ type: "INSPECT" });
    agent.fireNext();
    agent.done("ensureProfile", { avatar: null });
    agent.done("resolveRoom", { roomId: "!room:test" });
    expect(agent.running.has("importHistory")).toBe(false);
    expect(agent.running.has("linkToSpace")).toBe(true);
  });

  test("#18 that cannot invite somebody hears all the same", () => {
    const agent = resolving();
    agent.done("resolveRoom", { roomId: "!room:test" });
    agent.done("importHistory");
    agent.done("linkToSpace");
    agent.done("furnishRoom");
    agent.fail("invitePeople", failure("forbidden"));
    agent.done("catchUp", nothing);
    expect(agent.in("intake.polling")).toBe(true);
    agent.done("poll", { since: "s2", heard: [] });
    expect(agent.context.wait?.reason, "a poll that goes well does not hide the room's trouble").toContain("forbidden");
  });
});
