import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HomeserverKind } from "./homeservers.ts";
import { buildIn, type Patch } from "./patches.ts";
import { Plan } from "./plan.ts";
import { type RoundResult, Run } from "./run.ts";
import { startWorld, type World } from "./world.ts";

const agents = 2;
const mostRounds = 4;

/** Tests of the crash suite itself: it finds the faults that it is there for, and names what each has broken. */
export function caught(patches: readonly Patch[]): void {
  describe("of a product built with the fault", () => {
    let dir: string;
    const worlds = new Map<HomeserverKind, World>();
    let runs = 0;

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "letta-matrix-patches-"));
      for (const homeserver of new Set(patches.map((patch) => patch.homeserver)))
        worlds.set(homeserver, await startWorld(join(dir, homeserver), { letta: "stand-in", homeserver }));
    });

    afterAll(async () => {
      for (const world of worlds.values()) await world.stop();
      await rm(dir, { recursive: true, force: true });
    });

    function worldOf(homeserver: HomeserverKind): World {
      const world = worlds.get(homeserver);
      if (world === undefined) throw new Error(`no homeserver ${homeserver} was started`);
      return world;
    }

    /** Kills at the patch's boundary until something is broken, a few times at most. */
    async function killAt(patch: Patch, source?: string): Promise<RoundResult[]> {
      const { homeserver, kill, boundary, occurrence, slowCommits } = patch;
      const world = worldOf(homeserver);
      const prefix = `p${++runs}x`;
      const plan = new Plan({ seed: 7, prefix, agents, people: world.people.length, tools: "allowed" });
      const run = await Run.begin({
        world,
        plan,
        prefix,
        agents,
        tools: "allowed",
        slowCommits,
        restWithin: 45_000,
        ...(source !== undefined && { source }),
      });
      try {
        const results: RoundResult[] = [];
        while (results.length < mostRounds && !results.some(({ violations }) => violations.length > 0))
          results.push(await run.round(plan.round(kill, [boundary], occurrence)));
        return results;
      } finally {
        await run.close();
      }
    }

    test.each(patches)(
      '$name, kills of $kill at "$boundary" break $breaks; the product as it stands passes them',
      async (patch) => {
        const sound = await killAt(patch);
        expect(sound.flatMap(({ violations }) => violations)).toEqual([]);
        expect(sound.flatMap(({ hits }) => hits)).toHaveLength(mostRounds);

        const faulty = await killAt(patch, await buildIn(patch, join(dir, patch.name)));
        const { hits = [], violations = [] } = faulty.at(-1) ?? {};
        const [hit] = hits;
        expect(hit).toBeDefined();
        expect(violations).toContainEqual(expect.objectContaining({ law: patch.breaks, eventId: hit?.eventId ?? "" }));
        const laws = new Set(violations.map(({ law }) => law));
        expect([patch.breaks, ...patch.alongside]).toEqual(expect.arrayContaining([...laws]));
      },
    );
  });
}
