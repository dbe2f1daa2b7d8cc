import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { startStandInStack } from "../servers/stand-in-stack.ts";
import { transportOfRun } from "../servers/transports.ts";
import { restores } from "./cases/restored.ts";
import { startWorld, type World } from "./world.ts";

const transport = transportOfRun();

/**
 * On stand-ins: a homeserver remembers what was sent under which name for a day or so, or until it restarts, and this
 * one forgets it at once. `outages.real.test.ts` has the same on the real servers, which remember.
 */
describe(`people and agents, by ${transport}, whose past is lost and comes from a backup when the homeserver has forgotten what was sent`, {
  timeout: 180_000,
}, () => {
  let started: World | undefined;
  let failed = false;

  beforeAll(async () => {
    started = await startWorld({
      transport,
      startServers: (dir, known) => startStandInStack(dir, { ...known, oddities: { transactionsAreForgotten: true } }),
    });
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
    ({ stack }) => stack.synapse.restart(),
  );
});
