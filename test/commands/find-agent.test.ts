import { describe, expect, test } from "vitest";
import { NoSuchAgent, recordOfAgent, recordOfAgentLike } from "../../src/commands/status/find-agent.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import { agentCalled, server } from "../api/installation.ts";
import { untroubled } from "./untroubled.ts";

const retired = { value: { account: "offline", room: "released", intake: "idle", life: "retired" } };
const records: readonly ActorRecord[] = [
  agentCalled("Scout", "agent-1"),
  agentCalled("Scout Two", "agent-2"),
  agentCalled("Sage", "agent-3"),
  agentCalled("sage", "agent-4"),
  agentCalled("Muse", "agent-5"),
  agentCalled("Muse", "agent-6", retired),
  agentCalled("Weather Man", "agent-7"),
  agentCalled("Weather Woman", "agent-8"),
];

const host = {
  ...untroubled,
  read: (id: string) => records.find((record) => record.id === id),
  async *list() {
    yield* records;
  },
};

async function found(by: typeof recordOfAgent, wanted: string): Promise<string | NoSuchAgent> {
  try {
    const { id } = await by(wanted, host, server);
    return String(records.find((record) => record.id === id)?.context["agentId"]);
  } catch (error) {
    if (error instanceof NoSuchAgent) return error;
    throw error;
  }
}

describe("an agent", () => {
  test.each([
    ["its id", "agent-2", "agent-2"],
    ["its user id", "@agent_2:example.org", "agent-2"],
    ["its name, though another's begins with it", "Scout", "agent-1"],
    ["its name, though another's is the same in small letters", "sage", "agent-4"],
    ["its name in other letters", "SCOUT TWO", "agent-2"],
    ["its name, though one that has retired was called so, too", "Muse", "agent-5"],
  ])("is found by %s", async (_, wanted, agentId) => {
    expect(await found(recordOfAgent, wanted)).toBe(agentId);
    expect(await found(recordOfAgentLike, wanted)).toBe(agentId);
  });

  test.each([
    ["a part of its name", "two", "agent-2"],
    ["a name that is a little otherwise", "Scot", "agent-1"],
  ])("is found by %s only where a guess does no harm", async (_, wanted, agentId) => {
    expect(await found(recordOfAgentLike, wanted)).toBe(agentId);
    expect(await found(recordOfAgent, wanted)).toBeInstanceOf(NoSuchAgent);
  });

  test("that may be several is asked back, and never guessed", async () => {
    expect(await found(recordOfAgentLike, "weather")).toMatchObject({
      message: '"weather" may be any of 2 agents',
      remedy: "Name one by its id: Weather Man (agent-7), Weather Woman (agent-8).",
    });
    expect(await found(recordOfAgentLike, "SAGE")).toMatchObject({
      message: '2 agents are called "SAGE"',
      remedy: "Name one by its id: agent-3, agent-4.",
    });
  });

  test("that is nobody is told of with those that are most like it", async () => {
    expect(await found(recordOfAgentLike, "Meteorologist")).toMatchObject({
      message: 'there is no agent "Meteorologist"',
      remedy: expect.stringMatching(/^`letta-matrix agents` lists them\. Most like it: /),
    });
    expect(await found(recordOfAgent, "Scot")).toMatchObject({
      remedy: "`letta-matrix agents` lists them. Most like it: Scout.",
    });
    // Ids are not names.
    expect(await found(recordOfAgentLike, "agent-11")).toBeInstanceOf(NoSuchAgent);
    expect(await found(recordOfAgentLike, addressOf.agent(server, "agent-1"))).toBeInstanceOf(NoSuchAgent);
  });
});
