import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { census, type People } from "./cases/census.ts";
import { startWorld, type World } from "./world.ts";

export interface SideBySide {
  readonly cases: readonly ((world: () => World) => void)[];
  /** What happens before the first case, which would disturb others beside it. */
  readonly before?: (world: World) => Promise<void>;
  readonly people: People;
}

/** Cases that share one Synapse, one Letta and one running program, and what must hold when all are over. */
export function sideBySide(name: string, { cases, before = async () => {}, people }: SideBySide): void {
  describe(name, { timeout: 300_000 }, () => {
    let started: World | undefined;
    let prepared = false;
    let failed = false;
    const world = (): World => {
      if (started === undefined) throw new Error("the servers did not start");
      return started;
    };

    beforeAll(async () => {
      started = await startWorld();
      await started.start();
      await before(started);
      prepared = true;
    }, 300_000);
    afterEach(({ task }) => {
      failed ||= task.result?.state === "fail";
    });
    afterAll(() => started?.close({ keep: failed || !prepared }), 60_000);

    describe.concurrent("side by side", () => {
      for (const happens of cases) happens(world);
    });
    describe("when all is over", () => census(world, people));
  });
}
