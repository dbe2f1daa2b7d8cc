import { expect, test } from "vitest";
import { auditBehaviour } from "../../src/actors/audit/behaviour.ts";
import { Directory } from "../../src/actors/directory.ts";
import type { Batch } from "../../src/machines/audit.ts";
import type { ActorId } from "../../src/runtime/actor-id.ts";
import { agentRecord } from "./agent-record.ts";
import { effectContext } from "./effect-context.ts";

const hour = 3_600_000;

/** One whole pass over these agents. */
async function pass(lives: readonly string[]): Promise<readonly Batch[]> {
  const directory = new Directory(
    {
      async *list() {
        for (const [n, life] of lives.entries()) yield agentRecord(`agent-${n}`, { life });
      },
      read: () => undefined,
    },
    "test",
  );
  const next = auditBehaviour(directory, { interval: hour }).children["nextAgents"];
  const batches: Batch[] = [];
  let after: ActorId | null = null;
  do {
    const batch = (await next?.({ after }, effectContext())) as Batch;
    batches.push(batch);
    after = batch.isLast ? null : (batch.agents.at(-1) ?? null);
  } while (after !== null);
  return batches;
}

const many = (count: number, life = "live") => Array.from({ length: count }, () => life);

test.each([1, 7, 359, 360, 361, 1_001])("a pass over %i agents meets each once and takes an hour", async (count) => {
  const batches = await pass(many(count));
  const met = batches.flatMap(({ agents }) => agents);
  expect(new Set(met).size).toBe(count);
  expect(met).toHaveLength(count);
  expect(batches.length).toBeLessThanOrEqual(360);
  const took = batches.reduce((sum, { pause }) => sum + pause, 0);
  expect(Math.abs(took - hour)).toBeLessThan(hour / 100);
});

test("where there is nobody, nobody is told to look, once an hour", async () => {
  expect(await pass([])).toEqual([{ agents: [], isLast: true, revisions: { "test/space/agents": 0 }, pause: hour }]);
});

test("who is disabled, retiring or retired is left alone", async () => {
  const batches = await pass(["live", "missing", "disabled", "retiring", "retired"]);
  expect(batches.flatMap(({ agents }) => agents)).toEqual(["test/agent/agent-0", "test/agent/agent-1"]);
});
