import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { startStandInStack } from "../servers/stand-in-stack.ts";
import { type AmongEachOther, lateAnswers } from "./cases/late-answers.ts";
import { startWorld, type World } from "./world.ts";

/** On stand-ins; `programs.real.test.ts` has the same on the real servers. */
describe("agents that ask each other", { timeout: 240_000 }, () => {
  let started: World | undefined;
  let agents: AmongEachOther | undefined;
  let failed = false;

  const there = <T>(found: T | undefined): T => {
    if (found === undefined) throw new Error("the servers did not start");
    return found;
  };

  beforeAll(async () => {
    started = await startWorld({ startServers: startStandInStack });
    await started.start();
    agents = { asking: await started.agent("Scout"), asked: await started.agent("Sage") };
  }, 120_000);
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
  afterAll(() => started?.close({ keep: failed }), 60_000);

  lateAnswers(
    () => there(started),
    () => there(agents),
  );
});
