import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { startStandInStack } from "../servers/stand-in-stack.ts";
import { restores } from "./cases/restored.ts";
import { startWorld, type World } from "./world.ts";

const conditions = [
  { when: "soon after", transactionsAreForgotten: false },
  /** A homeserver remembers what was sent under which name for a day or so, or until it restarts. */
  { when: "when the homeserver has forgotten what was sent", transactionsAreForgotten: true },
] as const;

/** On stand-ins, which count what they were asked; `outages.real.test.ts` has the same on the real servers. */
describe.each(conditions)(
  "people and agents, whose past is lost and comes from a backup $when",
  {
    timeout: 180_000,
  },
  ({ transactionsAreForgotten }) => {
    let started: World | undefined;
    let failed = false;

    beforeAll(async () => {
      started = await startWorld({}, (dir) => startStandInStack(dir, { transactionsAreForgotten }));
      await started.start();
    }, 120_000);
    afterEach(({ task }) => {
      failed ||= task.result?.state === "fail";
    });
    afterAll(() => started?.close({ keep: failed }), 60_000);

    restores(
      () => {
        if (started === undefined) throw new Error("the servers did not start");
        return started;
      },
      async ({ stack }) => {
        if (transactionsAreForgotten) await stack.synapse.restart();
      },
    );
  },
);
