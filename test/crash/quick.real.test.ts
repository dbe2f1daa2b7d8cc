import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Boundary, KillKind } from "./boundaries.ts";
import { Plan } from "./plan.ts";
import { Run, toolFile } from "./run.ts";
import { storyOf } from "./story.ts";
import { startWorld, type World } from "./world.ts";

/** A few kills, every time; `npm run test:crash` has many more. */

const rounds: readonly (readonly [KillKind, readonly Boundary[]])[] = [
  ["letta-matrix", ["committed", "first-token", "sent"]],
  ["letta", ["asked", "mid-stream"]],
  ["all", ["sending"]],
];

describe("what people see when this is killed and started again", () => {
  const agents = 4;
  let dir: string;
  let world: World;
  let plan: Plan;
  let run: Run;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "letta-matrix-crash-"));
    world = await startWorld(join(dir, "world"), { letta: "real", homeserver: "real" });
    plan = new Plan({ seed: 1, prefix: "q", agents, people: world.people.length, tools: "allowed", toolFile });
    run = await Run.begin({ world, plan, prefix: "q", agents, tools: "allowed" });
  });

  afterAll(async () => {
    await run?.close();
    await world?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test.each(rounds)("%s at %j", async (kind, boundaries) => {
    const { hits, violations } = await run.round(plan.round(kind, boundaries));
    const evidence = await run.evidence();
    const stories = violations.map((violation) => ({ ...violation, story: storyOf(violation.eventId, evidence) }));
    expect(stories).toEqual([]);
    expect(hits.map(({ boundary }) => boundary)).toEqual(boundaries);
  });

  test("nothing happens any more when all has come to rest", async () => {
    expect(await run.end()).toEqual([]);
  });
});
