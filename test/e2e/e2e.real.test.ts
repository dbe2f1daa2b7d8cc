import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { type Backlog, backlogs, leaveBacklog } from "./cases/backlog.ts";
import { census } from "./cases/census.ts";
import { commands } from "./cases/commands.ts";
import { crowd } from "./cases/crowd.ts";
import { doctor } from "./cases/doctor.ts";
import { edits } from "./cases/edits.ts";
import { foreignTurns } from "./cases/foreign.ts";
import { guests } from "./cases/guests.ts";
import { homes } from "./cases/homes.ts";
import { hostile } from "./cases/hostile.ts";
import { longAnswers } from "./cases/long.ts";
import { newcomer } from "./cases/newcomer.ts";
import { places } from "./cases/places.ts";
import { reload } from "./cases/reload.ts";
import { repeats } from "./cases/repeats.ts";
import { silence } from "./cases/silence.ts";
import { streaming } from "./cases/streaming.ts";
import { trouble } from "./cases/trouble.ts";
import { startWorld, type World } from "./world.ts";

// One file, so that all cases share one Synapse, one Letta and one running program.
describe("people and agents on a real Synapse and a real Letta", { timeout: 300_000 }, () => {
  let started: World | undefined;
  let left: Backlog | undefined;
  const world = (): World => started ?? fail("the servers did not start");
  const backlog = (): Backlog => left ?? fail("the program was not restarted");

  beforeAll(async () => {
    started = await startWorld();
    await started.start();
    left = await leaveBacklog(started);
  }, 300_000);
  let failed = false;
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
  afterAll(() => started?.close({ keep: failed || left === undefined }), 60_000);

  describe.concurrent("side by side", () => {
    newcomer(world);
    streaming(world);
    commands(world);
    crowd(world);
    backlogs(world, backlog);
    silence(world);
    edits(world);
    places(world);
    longAnswers(world);
    foreignTurns(world);
    guests(world);
    homes(world);
    hostile(world);
    repeats(world);
    reload(world);
    doctor(world);
    trouble(world);
  });
  describe("when all is over", () => census(world, { people: 4, secondClients: 2 }));
});

function fail(reason: string): never {
  throw new Error(reason);
}
