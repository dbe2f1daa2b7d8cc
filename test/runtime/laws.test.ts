import { describe, expect, it } from "vitest";
import { Random } from "./laws/random.ts";
import { type Hits, Town } from "./laws/town.ts";
import { runs } from "./runs.ts";

describe("a host whose power is cut again and again, on a disk that needs 40 ms for a commit,", () => {
  const seeds = Array.from({ length: runs(9) }, (_, n) => n + 1);
  const cuts = 12;
  const total: Partial<Record<keyof Hits, number>> = {};

  it.each(seeds)("keeps all laws with seed %i", { timeout: 30_000 }, async (seed) => {
    const town = new Town(new Random(seed));
    await town.run(cuts);
    expect(town.violations).toEqual([]);
    for (const [hit, count] of Object.entries(town.hits)) {
      const name = hit as keyof Hits;
      total[name] = (total[name] ?? 0) + count;
    }
  });

  it("and all that it is about did happen", () => {
    console.log(`couriers: ${JSON.stringify(total)}`);
    for (const [hit, count] of Object.entries(total)) expect(count, hit).toBeGreaterThan(0);
    expect(total.kills).toBe(seeds.length * cuts);
  });
});
