import { describe, expect, test } from "vitest";
import type { PollInput } from "../../src/machines/agent/context.ts";
import { type Agent, nothing, polling, provision, resolving } from "./agents.ts";

const seen = { "!busy:test": "$newest" };

function looked(): Agent {
  const agent = resolving();
  provision(agent);
  agent.done("catchUp", { ...nothing, pushes: true, seen });
  return agent;
}

const lookOf = (agent: Agent) => agent.inputOf<PollInput>("catchUp");

describe("how far an agent has heard all", () => {
  test("is kept from one look to the next, and is where that ends", () => {
    const agent = looked();
    agent.send({ type: "LOOK_BACK" });
    expect(lookOf(agent).seen).toEqual(seen);
    agent.done("catchUp", { ...nothing, pushes: true, seen: {} });
    agent.send({ type: "LOOK_BACK" });
    expect(lookOf(agent).seen).toEqual({});
  });

  test("stays as it was when a look fails", () => {
    const agent = looked();
    agent.send({ type: "LOOK_BACK" });
    agent.fail("catchUp", { name: "Error", message: "no", kind: "unreachable" });
    agent.fire([...agent.timers.keys()].find((id) => id.includes("intake")) ?? "none");
    expect(lookOf(agent).seen).toEqual(seen);
  });

  test("is forgotten when the store was restored: what came of it, nobody knows", () => {
    const agent = looked();
    agent.send({ type: "restored", store: "b" });
    expect(lookOf(agent).seen).toBeUndefined();
  });

  test("is forgotten when it moves: in its own room more is meant for it", () => {
    const agent = looked();
    agent.send({ type: "INSPECT" });
    agent.fire([...agent.timers.keys()].find((id) => id.includes("room")) ?? "none");
    agent.done("ensureProfile", { avatar: null });
    agent.done("resolveRoom", { roomId: "!upgraded:test" });
    expect(lookOf(agent).seen).toBeUndefined();
  });

  test("is of no use to one that polls", () => {
    const agent = polling();
    agent.done("poll", { ...nothing, seen });
    expect(agent.context.seen).toBeUndefined();
  });
});
