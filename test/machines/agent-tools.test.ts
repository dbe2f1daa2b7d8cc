import { expect, test } from "vitest";
import { nothing, resolving } from "./agents.ts";
import { failure } from "./chart-driver.ts";

test.each(["unreachable", "refused"])(
  "an agent whose tools at Letta cannot be seen to (%s) lacks nothing else, says so, and tries again",
  (kind) => {
    const agent = resolving();
    const goOn = (): void => {
      agent.done("resolveRoom", { roomId: "!room:test" });
      for (const step of ["importHistory", "linkToSpace", "furnishRoom", "invitePeople"])
        if (agent.running.has(step) || step !== "importHistory") agent.done(step);
    };
    goOn();
    expect(agent.inputOf("attachTools")).toEqual({ agentId: "agent-1" });
    agent.fail("attachTools", failure(kind));
    agent.done("catchUp", nothing);
    expect(agent.in("room.mending")).toBe(true);
    expect(agent.in("intake.polling")).toBe(true);
    expect(Object.keys(agent.context.troubles)).toEqual(["tools"]);
    expect(agent.fireNext()).toBe(600_000);
    agent.done("ensureProfile", { avatar: null });
    goOn();
    agent.done("attachTools");
    expect(agent.in("room.ready")).toBe(true);
    expect(agent.context.wait).toBeUndefined();
  },
);
