import { beforeEach, expect, test } from "vitest";
import { Directory } from "../../src/actors/directory.ts";
import { discoveryBehaviour } from "../../src/actors/discovery/behaviour.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { type ActorRecord, recordFormat } from "../../src/runtime/record.ts";
import { FakeLetta, lettaError } from "../ports/fake-letta.ts";
import { effectContext } from "./effect-context.ts";

let letta: FakeLetta;
let known: Map<string, string | undefined>;
/** Names that agents have heard once. */
let unconfirmed: Map<string, string>;

beforeEach(() => {
  letta = new FakeLetta();
  known = new Map();
  unconfirmed = new Map();
});

function recordOf(agentId: string, name: string | undefined): ActorRecord {
  return {
    format: recordFormat,
    id: addressOf.agent("test", agentId),
    machine: "agent",
    version: 1,
    value: {},
    context: { agentId, ...(name !== undefined && { name }), newName: unconfirmed.get(agentId) },
    status: "active",
    history: {},
    children: {},
    timers: {},
    revision: 1,
    generation: 0,
    at: 0,
  };
}

async function listing(): Promise<unknown> {
  const directory = new Directory(
    {
      async *list() {
        for (const [agentId, name] of known) yield recordOf(agentId, name);
      },
    },
    "test",
  );
  return await discoveryBehaviour(letta, directory, 1_000).children["listAgents"]?.(
    { server: "test" },
    effectContext(),
  );
}

test("a listing gives who is new or has another name", async () => {
  known = new Map([
    ["agent-1", "Scout"],
    ["agent-2", "Old"],
    ["agent-3", undefined],
  ]);
  letta.agents = [
    { id: "agent-1", name: "Scout" },
    { id: "agent-2", name: "New" },
    { id: "agent-3", name: "Named" },
    { id: "agent-4", name: "Fresh" },
  ];
  expect(await listing()).toEqual({
    total: 4,
    changed: [
      { agentId: "agent-2", name: "New" },
      { agentId: "agent-3", name: "Named" },
      { agentId: "agent-4", name: "Fresh" },
    ],
    interval: 1_000,
  });
});

test("#17 all agents are listed, each once", async () => {
  letta.agents = Array.from({ length: 501 }, (_, n) => ({ id: `agent-${n}`, name: `n${n}` }));
  letta.agents.push({ id: "agent-7", name: "n7" });
  const result = (await listing()) as { total: number; changed: unknown[] };
  expect([result.total, result.changed.length]).toEqual([501, 501]);
});

test("#44 half a list is none", async () => {
  letta.agents = [{ id: "agent-1", name: "Scout" }];
  letta.listingFails = lettaError("unreachable");
  await expect(listing()).rejects.toMatchObject({ kind: "unreachable" });
});

test("#43 whoever waits for its new name to be confirmed is told what the next listing says", async () => {
  known = new Map([
    ["agent-1", "Scout"],
    ["agent-2", "Ranger"],
  ]);
  unconfirmed = new Map([
    ["agent-1", "Warden"],
    ["agent-2", "Out of date"],
  ]);
  letta.agents = [
    { id: "agent-1", name: "Warden" },
    { id: "agent-2", name: "Ranger" },
  ];
  expect(await listing()).toMatchObject({
    changed: [
      { agentId: "agent-1", name: "Warden" },
      { agentId: "agent-2", name: "Ranger" },
    ],
  });
});
