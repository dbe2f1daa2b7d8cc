import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { startStandInStack } from "../servers/stand-in-stack.ts";
import { restores } from "./cases/restored.ts";
import { startWorld, type World } from "./world.ts";

/** On stand-ins, which count what they were asked; `outages.real.test.ts` has the same on the real servers. */
describe("people and agents, while what is known is lost and comes from a backup", { timeout: 180_000 }, () => {
  let started: World | undefined;
  let failed = false;

  beforeAll(async () => {
    started = await startWorld({}, startStandInStack);
    await started.start();
  }, 120_000);
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
  afterAll(() => started?.close({ keep: failed }), 60_000);

  restores(() => {
    if (started === undefined) throw new Error("the servers did not start");
    return started;
  });
});
