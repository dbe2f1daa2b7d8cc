import { describe, expect, test } from "vitest";
import { agentsOf, progressText, waitsOf } from "../../src/cli/crowd.ts";
import type { AgentStatus } from "../../src/commands/status/schema.ts";

const terminal = { colour: false };
const ready = { account: "online", room: "ready", intake: "pushed", life: "live" };

function agents(count: number, regions: AgentStatus["regions"], from = 0): AgentStatus[] {
  return Array.from({ length: count }, (_, n) => ({
    agentId: `agent-${from + n}`,
    name: `Agent ${from + n}`,
    userId: `@agent_${from + n}:x`,
    health: "running",
    regions,
  }));
}

describe("progress", () => {
  test("is how many are ready, and what each of the others is at", () => {
    const all = [
      ...agents(734, ready),
      ...agents(3, { ...ready, intake: "catchingUp" }),
      ...agents(120, { ...ready, account: "registering", room: "offline", intake: "deaf" }),
      ...agents(80, { ...ready, room: "seekingSpace", intake: "deaf" }),
      ...agents(60, { ...ready, room: "provisioning.creating", intake: "deaf" }),
      ...agents(2, { ...ready, room: "mending" }),
      ...agents(1, { ...ready, intake: "backingOff" }),
    ];
    expect(progressText({ agents: all })).toBe(
      "737 of 1000 ready; 120 get their users; 80 wait for their place in the space; 60 get their rooms; " +
        "2 wait for what only others can mend; 1 do not hear yet",
    );
  });

  test("counts nobody who is not to be made ready", () => {
    const gone = [...agents(2, { ...ready, life: "retired" }), ...agents(1, { ...ready, life: "disabled" })];
    expect(progressText({ agents: [...agents(4, ready), ...gone] })).toBe("4 of 4 ready; 3 retired or left out");
  });

  test("says that there may be more of them as long as Letta is asked", () => {
    const discovery = { state: "listing", health: "running" } as const;
    expect(progressText({ agents: [], discovery })).toBe("0 of 0 ready; Letta is being asked for more");
  });
});

describe("of thousands of agents", () => {
  test("those are listed that are not ready, and it is said where the others are", () => {
    const all = [...agents(9_999, ready), ...agents(1, { ...ready, room: "mending" }, 9_999)];
    expect(agentsOf({ agents: all }, terminal).split("\n")).toEqual([
      expect.stringMatching(/^AGENT /),
      expect.stringMatching(/^Agent 9999 .* mending /),
      "9999 more agents: letta-matrix agents lists all",
      "",
    ]);
  });

  test("a few are all listed", () => {
    expect(agentsOf({ agents: agents(40, ready) }, terminal)).toContain("Agent 39");
  });

  test("those that wait for the same are one line, from the first on and to the next try", () => {
    const wait = (since: number, until: number, reason = "the homeserver is gone") => ({ reason, since, until });
    const waiting = Array.from({ length: 500 }, (_, n) => [`Agent ${n}`, wait(1_000 + n, 9_000 - n)] as const);
    const all = [...waiting, ["Ada", wait(5, 6, "no such user")], ["Eve", undefined]] as const;
    expect(waitsOf(all)).toEqual([
      ["Agent 0 and 499 more", wait(1_000, 8_501)],
      ["Ada", wait(5, 6, "no such user")],
    ]);
  });

  test("a few that wait have a line each", () => {
    const wait = { reason: "the homeserver is gone", since: 1 };
    expect(
      waitsOf([
        ["Ada", wait],
        ["Eve", wait],
        ["Bob", undefined],
      ]),
    ).toEqual([
      ["Ada", wait],
      ["Eve", wait],
    ]);
  });
});
