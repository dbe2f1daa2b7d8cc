import { beforeEach, describe, expect, test } from "vitest";
import { NoSuchAgent } from "../../src/commands/status/find-agent.ts";
import { agentsRelease, NotInQuarantine } from "../../src/commands/supervision/release.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import type { ActorId } from "../../src/runtime/actor-id.ts";
import { agentCalled, installation, server } from "../api/installation.ts";

const scout = addressOf.agent(server, "agent-1");
const talk = addressOf.conversation(server, "agent-1", "!guests:example.org");
const muse = addressOf.agent(server, "agent-2");
const unborn = addressOf.conversation(server, "agent-9", "!guests:example.org");

let quarantined: Set<ActorId>;
beforeEach(() => {
  quarantined = new Set([talk, scout, muse, unborn]);
});

function release(agent: string) {
  const { host } = installation([agentCalled("Scout", "agent-1"), agentCalled("Muse", "agent-2")]);
  const call = {
    principal: { name: "operator", scopes: new Set<never>() },
    requestId: "r",
    signal: new AbortController().signal,
  };
  const quarantine = { quarantined: () => [...quarantined], release: async (id: ActorId) => quarantined.delete(id) };
  return agentsRelease.run({ agent }, { host: { ...host, ...quarantine }, server }, call);
}

describe("an agent is let out of quarantine", () => {
  test.each(["Scout", "scout", "agent-1", "@agent_1:example.org"])("as %s, with its conversations", async (wanted) => {
    expect(await release(wanted)).toEqual({ agentId: "agent-1", name: "Scout", actors: [talk, scout] });
    expect([...quarantined]).toEqual([muse, unborn]);
    await expect(release(wanted)).rejects.toThrow(NotInQuarantine);
  });

  test("also where it never came as far as to have a record", async () => {
    expect(await release("agent-9")).toEqual({ agentId: "agent-9", actors: [unborn] });
  });

  test("by no name that nobody has", async () => {
    await expect(release("Nobody")).rejects.toThrow(NoSuchAgent);
  });
});
