import { describe, expect, test } from "vitest";
import type { Heard } from "../../src/machines/question.ts";
import { type Agent, nothing, polling, provision, resolving } from "./agents.ts";
import { drive, question } from "./charts-under-test.ts";

/** An agent in its room, where the homeserver pushes. */
function pushed(): Agent {
  const agent = resolving();
  provision(agent);
  agent.done("catchUp", { ...nothing, pushes: true });
  return agent;
}

const heard: Heard = { kind: "question", roomId: "!room:test", question: question(1) };

describe("an agent that is told what is said", () => {
  test("asks for nothing, has no cursor that could grow old, and hands on what it is told", () => {
    const agent = pushed();
    expect(agent.in("intake.pushed")).toBe(true);
    expect([...agent.running]).toEqual([]);
    expect(agent.context.since).toBeUndefined();
    agent.send({ type: "PUSHED", heard: [heard] });
    expect(agent.tells.at(-1)).toMatchObject({ id: "$question-1", event: { type: "MESSAGE" } });
    expect(agent.in("intake.pushed")).toBe(true);
  });

  test("looks at its room again when others have changed it", () => {
    const agent = pushed();
    agent.send({ type: "PUSHED", heard: [], changed: true });
    expect(agent.in("room.noticing")).toBe(true);
  });

  test("looks at its room again when a look finds it changed, at once however many looks find the same", () => {
    const agent = pushed();
    for (let n = 0; n < 20; n++) {
      agent.send({ type: "LOOK_BACK" });
      agent.done("catchUp", { ...nothing, pushes: true, changed: true });
    }
    expect(agent.in("room.noticing")).toBe(true);
    expect(agent.fireNext()).toBe(0);
    expect(agent.in("room.provisioning")).toBe(true);
  });

  test("polls once more, and then never again, when it was polling before", () => {
    const agent = polling();
    agent.done("poll", { since: "s2", heard: [heard], pushes: true });
    expect(agent.tells.at(-1)).toMatchObject({ id: "$question-1", event: { type: "MESSAGE" } });
    expect(agent.in("intake.pushed")).toBe(true);
    expect(agent.running.has("poll")).toBe(false);
  });

  test("looks back at what was said when it may not have been told, each time by another name", () => {
    const agent = pushed();
    for (const lost of [1, 2]) {
      agent.send({ type: "LOOK_BACK" });
      expect(agent.inputOf("catchUp")).toMatchObject({ lost });
      agent.send({ type: "PUSHED", heard: [heard] });
      expect(agent.tells.filter(({ id }) => id === "$question-1")).toEqual([]);
      agent.done("catchUp", { ...nothing, pushes: true });
      expect(agent.in("intake.pushed")).toBe(true);
    }
  });

  test.each(["pushed", "catchingUp", "backingOff", "deaf"])(
    "hands on what was said where it was just let in, also while its intake is %s",
    (state) => {
      const agent = pushed();
      if (state === "deaf") agent.send({ type: "TOKEN_REFUSED" });
      else if (state !== "pushed") agent.send({ type: "LOOK_BACK" });
      if (state === "backingOff") agent.fail("catchUp", { name: "Error", message: "no", kind: "unreachable" });
      expect(agent.in(`intake.${state}`)).toBe(true);
      agent.send({ type: "LET_IN", heard: [heard] });
      expect(agent.tells.filter(({ id }) => id === "$question-1")).toHaveLength(1);
      expect(agent.in(`intake.${state}`)).toBe(true);
    },
  );

  test("hands nothing on while it is left out: it looks back when it is not any more", () => {
    const agent = pushed();
    agent.send({ type: "DISABLED" });
    agent.send({ type: "LET_IN", heard: [heard] });
    expect(agent.tells.filter(({ id }) => id === "$question-1")).toEqual([]);
    agent.send({ type: "DISCOVERED", name: "Scout" });
    expect(agent.running.has("catchUp")).toBe(true);
  });

  test("takes an invitation up once, however many looks find it, until it is answered or was tried for a day", () => {
    const agent = pushed();
    const begun = agent.at;
    const found = (...rooms: string[]) => {
      agent.send({ type: "LOOK_BACK" });
      const before = agent.actions.length;
      const invited = rooms.map((roomId) => ({ roomId, accept: true }));
      agent.done("catchUp", { ...nothing, pushes: true, invited });
      expect(agent.in("intake.pushed")).toBe(true);
      return agent.actions.slice(before).map(({ input }) => Reflect.get(Object(input), "invited"));
    };
    const into = (...rooms: string[]) => rooms.map((roomId) => ({ roomId, accept: true }));
    expect(found("!far:test")).toEqual([into("!far:test")]);
    expect(found("!far:test")).toEqual([]);
    agent.at += 1_000;
    expect(found("!far:test", "!near:test")).toEqual([into("!near:test")]);
    agent.send({ type: "ANSWERED", rooms: ["!near:test"] });
    expect(found("!far:test")).toEqual([]);
    expect(found("!near:test"), "it was invited again").toEqual([into("!near:test")]);
    agent.at = begun + 86_400_000;
    expect(found("!far:test", "!near:test")).toEqual([into("!far:test")]);
    agent.send({ type: "ANSWERED", rooms: ["!far:test", "!near:test"] });
    expect(agent.context.answering).toBeUndefined();
  });

  test("looks back after it was left out for a while, and after a restore", () => {
    const agent = pushed();
    agent.send({ type: "DISABLED" });
    expect(agent.in("intake.deaf")).toBe(true);
    agent.send({ type: "DISCOVERED", name: "Scout" });
    expect(agent.inputOf("catchUp")).toMatchObject({ lost: 1 });
    agent.done("catchUp", { ...nothing, pushes: true });
    agent.send({ type: "restored", store: "b" });
    expect(agent.inputOf("catchUp")).toMatchObject({ store: "b" });
  });

  test("looks back when its room is another one: it was told nothing of what was said there", () => {
    const agent = pushed();
    agent.send({ type: "MOVED" });
    expect(agent.inputOf("catchUp")).toMatchObject({ lost: 1 });
  });

  test("polls again where the homeserver pushes no more", () => {
    const agent = pushed();
    agent.send({ type: "LOOK_BACK" });
    agent.done("catchUp", nothing);
    expect(agent.inputOf("poll")).toMatchObject({ since: "s1" });
  });
});

test("a new agent is no different", () => {
  expect(drive.agent().in("intake.deaf")).toBe(true);
});
