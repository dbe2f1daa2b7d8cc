import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { census } from "./cases/census.ts";
import { commandsKilled } from "./cases/commands-killed.ts";
import { outages } from "./cases/outage.ts";
import { restarts } from "./cases/restart.ts";
import { restores } from "./cases/restored.ts";
import { startWorld, type World } from "./world.ts";

// What is stopped, cut or killed here is everybody's: one after the other.
describe("people and agents, while Letta goes away and the program is killed or restarted", {
  timeout: 180_000,
}, () => {
  let started: World | undefined;
  let failed = false;
  const world = (): World => {
    if (started === undefined) throw new Error("the servers did not start");
    return started;
  };

  beforeAll(async () => {
    started = await startWorld();
    await started.start();
  }, 300_000);
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
  afterAll(() => started?.close({ keep: failed }), 60_000);

  outages(world);
  commandsKilled(world);
  restarts(world);
  restores(world);
  // The agent that was made after the backup, at each of the two restores.
  census(world, { people: 3, secondClients: 0, forgotten: 2 });
});
