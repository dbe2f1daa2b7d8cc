import { beforeEach, describe, expect, test } from "vitest";
import { Directory } from "../../src/actors/directory.ts";
import { discoveryBehaviour } from "../../src/actors/discovery/behaviour.ts";
import type { Listing } from "../../src/machines/discovery.ts";
import { FakeLetta, lettaError } from "../ports/fake-letta.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { agentRecord } from "./agent-record.ts";
import { effectContext } from "./effect-context.ts";

interface Known {
  readonly name?: string;
  /** A name that it has heard once. */
  readonly newName?: string;
  readonly life?: string | { readonly retiring: string };
  readonly missingSince?: number;
}

const grace = 1_000_000;

let letta: FakeLetta;
let clock: SimulatedClock;
let known: Record<string, Known>;

beforeEach(() => {
  letta = new FakeLetta();
  clock = new SimulatedClock();
  known = {};
});

async function listing(...disabled: readonly string[]): Promise<Listing> {
  const directory = new Directory(
    {
      async *list() {
        for (const [agentId, { life = "live", ...context }] of Object.entries(known))
          yield agentRecord(agentId, { life }, context);
      },
      read: () => undefined,
    },
    "test",
  );
  const { children } = discoveryBehaviour(letta, directory, clock, { interval: 1_000, grace, disabled });
  return (await children["listAgents"]?.({ server: "test" }, effectContext())) as Listing;
}

test("a listing gives who is new or has another name", async () => {
  known = { "agent-1": { name: "Scout" }, "agent-2": { name: "Old" }, "agent-3": {} };
  letta.agents = [
    { id: "agent-1", name: "Scout" },
    { id: "agent-2", name: "New" },
    { id: "agent-3", name: "Named" },
    { id: "agent-4", name: "Fresh" },
  ];
  expect(await listing()).toEqual({
    changed: [
      { agentId: "agent-4", name: "Fresh" },
      { agentId: "agent-2", name: "New" },
      { agentId: "agent-3", name: "Named" },
    ],
    missed: [],
    disabled: [],
    revisions: { "agent-2": 1, "agent-3": 1 },
    found: { listed: 4, fresh: 1, renamed: 2, back: 0, missing: 0, disabled: 0 },
    interval: 1_000,
    grace,
  });
});

test("#17 all agents are listed, each once", async () => {
  letta.agents = Array.from({ length: 501 }, (_, n) => ({ id: `agent-${n}`, name: `n${n}` }));
  letta.agents.push({ id: "agent-7", name: "n7" });
  const { found, changed } = await listing();
  expect([found.listed, found.fresh, changed.length]).toEqual([501, 501, 501]);
});

test("#44 half a list is none", async () => {
  letta.agents = [{ id: "agent-1", name: "Scout" }];
  letta.listingFails = lettaError("unreachable");
  await expect(listing()).rejects.toMatchObject({ kind: "unreachable" });
});

describe("who is not listed", () => {
  test("is told so for the first time, and not again before its grace is over", async () => {
    const now = clock.now();
    known = {
      "agent-1": { name: "Scout" },
      "agent-2": { name: "Gone", life: "missing", missingSince: now - grace + 1 },
      "agent-3": { name: "Long gone", life: "missing", missingSince: now - grace },
      "agent-4": { name: "Going", life: { retiring: "working" } },
      "agent-5": { name: "Retired", life: "retired" },
    };
    letta.agents = [{ id: "agent-6", name: "Other" }];
    const { missed, found } = await listing();
    expect(missed).toEqual(["agent-1", "agent-3"]);
    expect(found).toMatchObject({ listed: 1, fresh: 1, missing: 3 });
  });

  test("#44 has not been deleted together with everybody else: an empty list removes nobody", async () => {
    known = { "agent-1": { name: "Scout" }, "agent-2": { name: "Long gone", life: "missing", missingSince: 0 } };
    expect((await listing()).missed).toEqual([]);
  });

  test("is told its name when it is listed again, unless it is still on its way out", async () => {
    known = {
      "agent-1": { name: "Missing", life: "missing", missingSince: 0 },
      "agent-2": { name: "Retired", life: "retired" },
      "agent-3": { name: "Retiring", life: { retiring: "working" } },
    };
    letta.agents = Object.entries(known).map(([id, { name = "" }]) => ({ id, name }));
    const { changed, missed, found } = await listing();
    expect(changed.map(({ agentId }) => agentId)).toEqual(["agent-1", "agent-2"]);
    expect([missed, found.back, found.renamed]).toEqual([[], 2, 0]);
  });
});

describe("who is disabled", () => {
  test("gets nothing, and is told so only if there is something of it here", async () => {
    known = { "agent-1": { name: "Scout" }, "agent-2": { name: "Quiet", life: "disabled" } };
    letta.agents = ["agent-1", "agent-2", "agent-3"].map((id) => ({ id, name: "Listed" }));
    const { changed, disabled, missed, found } = await listing("agent-1", "agent-2", "agent-3");
    expect({ changed, disabled, missed }).toEqual({ changed: [], disabled: ["agent-1"], missed: [] });
    expect(found).toEqual({ listed: 3, fresh: 0, renamed: 0, back: 0, missing: 0, disabled: 3 });
  });

  test("is not retired, listed or not", async () => {
    known = { "agent-1": { name: "Scout", life: "missing", missingSince: 0 } };
    letta.agents = [{ id: "agent-2", name: "Other" }];
    expect(await listing("agent-1")).toMatchObject({ missed: [], disabled: ["agent-1"] });
  });

  test("is missed like any other when it is neither disabled nor listed any more", async () => {
    known = { "agent-1": { name: "Scout", life: "disabled" } };
    letta.agents = [{ id: "agent-2", name: "Other" }];
    expect((await listing()).missed).toEqual(["agent-1"]);
  });

  test("is told its name as soon as it is not disabled any more", async () => {
    known = { "agent-1": { name: "Scout", life: "disabled" } };
    letta.agents = [{ id: "agent-1", name: "Scout" }];
    expect((await listing()).changed).toEqual([{ agentId: "agent-1", name: "Scout" }]);
  });
});

test("#43 whoever waits for its new name to be confirmed is told what the next listing says", async () => {
  known = { "agent-1": { name: "Scout", newName: "Warden" }, "agent-2": { name: "Ranger", newName: "Out of date" } };
  letta.agents = [
    { id: "agent-1", name: "Warden" },
    { id: "agent-2", name: "Ranger" },
  ];
  expect(await listing()).toMatchObject({
    changed: [
      { agentId: "agent-1", name: "Warden" },
      { agentId: "agent-2", name: "Ranger" },
    ],
    found: { renamed: 1 },
  });
});
