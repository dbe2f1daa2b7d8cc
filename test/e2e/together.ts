import { afterAll, afterEach, beforeAll, describe } from "vitest";
import type { TransportKind } from "../servers/transports.ts";
import { census, type People } from "./cases/census.ts";
import { startWorld, type World } from "./world.ts";

/** Cases that share one Synapse, one Letta and one running program. */
export interface Together {
  readonly cases: readonly ((world: () => World, transport: TransportKind) => void)[];
  readonly transport: TransportKind;
  /** What happens before the first case. */
  readonly before?: (world: World) => Promise<void>;
  /** For what must hold when all are over. */
  readonly people: People;
}

/** For cases that do not disturb each other. */
export function sideBySide(name: string, options: Together): void {
  inOneWorld(name, options, (cases) => describe.concurrent("side by side", cases));
}

/** For cases in which what is stopped, cut or killed is everybody's. */
export function oneAfterTheOther(name: string, options: Together): void {
  inOneWorld(name, options, (cases) => describe("one after the other", cases));
}

function inOneWorld(
  name: string,
  { cases, transport, before = async () => {}, people }: Together,
  describeAll: (cases: () => void) => void,
): void {
  describe(`${name}, by ${transport}`, { timeout: 300_000 }, () => {
    let started: World | undefined;
    let prepared = false;
    let failed = false;
    const world = (): World => {
      if (started === undefined) throw new Error("the servers did not start");
      return started;
    };

    beforeAll(async () => {
      started = await startWorld({ transport });
      await started.start();
      await before(started);
      prepared = true;
    }, 300_000);
    afterEach(({ task }) => {
      failed ||= task.result?.state === "fail";
    });
    afterAll(() => started?.close({ keep: failed || !prepared }), 60_000);

    describeAll(() => {
      for (const happens of cases) happens(world, transport);
    });
    describe("when all is over", () => census(world, people, transport));
  });
}
