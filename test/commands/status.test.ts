import { describe, expect, test } from "vitest";
import { bind, InvalidInput, NotAllowed } from "../../src/commands/command.ts";
import { status as statusSchema } from "../../src/commands/status/schema.ts";
import { statusQuery } from "../../src/commands/status/status.ts";
import { actorId } from "../../src/runtime/actor-id.ts";
import type { Health } from "../../src/runtime/host.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import { recordOf } from "../actors/agent-record.ts";
import { untroubled, unused } from "./untroubled.ts";

const server = "example.org";

function record(machine: string, key: readonly string[], rest: Partial<ActorRecord>): ActorRecord {
  return recordOf({ id: actorId(server, machine, ...key), machine, generation: 1, at: 1_000, ...rest });
}

const timer = (due: number) => ({ due, generation: 1, event: { type: "xstate.after.retry.x" } });

function bound(records: readonly ActorRecord[], health: Readonly<Record<string, Health>> = {}) {
  return bind(statusQuery, {
    server,
    clock: { now: () => 5_000 },
    ...unused,
    adoption: { adopt: () => Promise.reject(new Error("nothing is adopted here")) },
    host: {
      ...untroubled,
      async *list(realm, machine) {
        yield* records.filter((one) => one.machine === machine && realm === server);
      },
      read: (id) => records.find((one) => one.id === id),
      accept: async () => undefined,
      ask: () => Promise.reject(new Error("nothing is asked")),
      journal: async () => [],
      health: (id) => health[id] ?? { state: "running" },
    },
  });
}

const call = {
  principal: { name: "test", scopes: new Set(["agents:read", "rooms:read", "admin:read"] as const) },
  requestId: "request-1",
  signal: new AbortController().signal,
};

async function statusOf(...given: Parameters<typeof bound>) {
  return statusSchema.parse(await bound(...given).execute({}, call));
}

const agent = record("agent", ["agent-1"], {
  value: { account: "online", room: { provisioning: "creating" }, intake: "deaf" },
  context: { server, agentId: "agent-1", userId: "@agent_1:example.org", name: "Scout", tokenRefused: false },
});

describe("status", () => {
  test("of a system without actors", async () => {
    const nothing = { coreUsers: [], agents: [], conversations: [], troubles: [] };
    expect(await statusOf([])).toEqual({ server, at: 5_000, ...nothing });
  });

  test("tells where the core users stand, and what keeps them out", async () => {
    const wait = { reason: "the configured password is not the one it has", remedy: "correct it", since: 1_000 };
    const reader = record("core-user", ["@letta:example.org"], {
      value: "refused",
      context: { userId: "@letta:example.org", wait },
    });
    expect((await statusOf([reader])).coreUsers).toEqual([
      { userId: "@letta:example.org", state: "refused", health: "running", wait },
    ]);
  });

  test("tells each agent's regions, account and room", async () => {
    const { agents } = await statusOf([agent]);
    expect(agents).toEqual([
      {
        agentId: "agent-1",
        name: "Scout",
        userId: "@agent_1:example.org",
        regions: { account: "online", room: "provisioning.creating", intake: "deaf" },
        health: "running",
      },
    ]);
  });

  test("tells what is waited for, why, and until when", async () => {
    const wait = { reason: "the homeserver does not answer", remedy: "Start it.", since: 4_000 };
    const waiting = record("discovery", ["letta"], {
      value: "backingOff",
      context: { wait },
      timers: { slow: timer(9_000), soon: timer(6_000) },
    });
    expect((await statusOf([waiting])).discovery).toEqual({
      state: "backingOff",
      health: "running",
      wait: { ...wait, until: 6_000 },
    });
  });

  test("names no wait where the context says it is over", async () => {
    const ready = record("space", ["agents"], { value: "ready", context: { wait: undefined } });
    expect((await statusOf([ready])).space).toEqual({ state: "ready", health: "running" });
  });

  test("tells each conversation's queue", async () => {
    const busy = record("conversation", ["agent-1", "!r", ""], {
      value: { turn: "streaming" },
      context: { agentId: "agent-1", userId: "@a", roomId: "!r", queue: [{}, {}], current: { question: {} } },
    });
    const idle = record("conversation", ["agent-1", "!s", ""], {
      context: { agentId: "agent-1", userId: "@a", roomId: "!s", queue: [], current: undefined },
    });
    expect((await statusOf([busy, idle])).conversations).toEqual([
      { agentId: "agent-1", roomId: "!r", state: "turn.streaming", queued: 2, answering: true, health: "running" },
      { agentId: "agent-1", roomId: "!s", state: "idle", queued: 0, answering: false, health: "running" },
    ]);
  });

  test("tells what crashed, and what waits for an operator", async () => {
    const crash = {
      id: "c1",
      actor: agent.id,
      at: 4_500,
      incarnation: 3,
      stimulus: "DISCOVERED",
      error: { name: "Error", message: "out of order", remedy: "Look at it." },
      journal: [],
    };
    const crashes = { recent: 3, intensity: 10, period: 600_000 };
    const trouble = {
      actor: agent.id,
      machine: "agent",
      crashedAt: 4_500,
      incarnation: 3,
      crashes,
      error: "out of order",
      remedy: "Look at it.",
    };
    const restarting = await statusOf([agent], { [agent.id]: { state: "restarting", until: 6_000, crash, crashes } });
    expect(restarting.troubles).toEqual([{ ...trouble, health: "restarting", until: 6_000 }]);
    expect(restarting.agents[0]?.health).toBe("restarting");
    const quarantined = await statusOf([agent], { [agent.id]: { state: "quarantined", crash, crashes } });
    expect(quarantined.troubles).toEqual([{ ...trouble, health: "quarantined" }]);
    const silent = await statusOf([agent], { [agent.id]: { state: "silent", crash, crashes } });
    expect(silent.troubles).toEqual([{ ...trouble, health: "silent" }]);
    expect(silent.agents[0]?.health).toBe("silent");
  });
});

describe("a bound command", () => {
  test("is refused to a caller without its scope", async () => {
    const stranger = { ...call, principal: { name: "stranger", scopes: new Set<never>() } };
    await expect(bound([]).execute({}, stranger)).rejects.toThrow(NotAllowed);
  });

  test("refuses input that it does not know", async () => {
    await expect(bound([]).execute({ verbose: true }, call)).rejects.toThrow(InvalidInput);
  });

  test("ends when the caller goes away", async () => {
    await expect(bound([]).execute({}, { ...call, signal: AbortSignal.abort(new Error("gone")) })).rejects.toThrow(
      "gone",
    );
  });
});
