import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type AppServerStandIn, startAppServerStandIn } from "../servers/app-server/stand-in.ts";
import { createAgent } from "../servers/letta-agents.ts";
import { type Model, startModel } from "../servers/model.ts";
import type { AppProcess } from "./app-process.ts";
import { eventually } from "./eventually.ts";
import { PushedHouse } from "./pushed-house.ts";

const kills = 8;

describe("the program, killed while a real Synapse pushes to it", () => {
  let dir: string;
  let house: PushedHouse;
  let letta: AppServerStandIn;
  let model: Model;
  let app: AppProcess;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "killed-"));
    const toolFolder = join(dir, "letta");
    await mkdir(toolFolder);
    [house, model] = await Promise.all([PushedHouse.build(dir, []), startModel()]);
    letta = await startAppServerStandIn({ model, toolFolder, leaseMs: 500 });
    app = await house.process(letta.url);
  });

  afterAll(async () => {
    await app.kill();
    await Promise.all([house.tearDown(), letta.stop(), model.stop()]);
    await rm(dir, { recursive: true, force: true });
  });

  /** What the doctor finds of the way from the homeserver to us. */
  async function roundTrip() {
    const { out } = await app.command("doctor", "--json");
    const { findings } = z.object({ findings: z.array(z.looseObject({ check: z.string() })) }).parse(JSON.parse(out));
    return findings.find(({ check }) => check === "homeserver.appservice");
  }

  test("loses nothing and answers nothing twice, also where the homeserver restarts in between", {
    timeout: 600_000,
  }, async () => {
    const { id } = await createAgent(letta.url, { name: "Scout", model: letta.modelHandle, persona: "I am Scout." });
    // Before anything runs, the doctor listens itself.
    expect(await roundTrip()).toMatchObject({ severity: "ok" });
    await app.start();
    const reached = async () => ((await app.status()).transport?.reach === "reached" ? true : undefined);
    await eventually("the homeserver to reach it", reached, 30_000);
    expect(await roundTrip()).toMatchObject({ severity: "ok" });
    const user = `@agent_${id.replace(/^agent-/, "").replaceAll("-", "_")}:localhost`;
    const roomId = await house.anna.until("an invitation", () => house.anna.invitedBy(user));
    await house.anna.join(roomId);
    const questions: string[] = [];
    for (let kill = 0; kill < kills; kill++) {
      // From before Synapse has begun to push it, over its commit and its acknowledgement, to when it is answered.
      for (let n = 0; n < 3; n++) questions.push(await house.anna.say(roomId, `question ${kill}.${n}`));
      await sleep(kill * 60);
      await app.kill();
      if (kill % 4 === 2) await house.synapse.restart();
      await app.start();
    }
    for (const question of questions) await house.answer(roomId, question);
    const last = await house.anna.say(roomId, "the last one");
    await house.answer(roomId, last);
    expect(await house.counts(roomId, [...questions, last])).toEqual([...questions, last].map(() => 1));
  });
});
