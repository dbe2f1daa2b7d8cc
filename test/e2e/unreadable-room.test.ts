import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startStandInStack } from "../servers/stand-in-stack.ts";
import { answerTo, saidBy } from "./answers.ts";
import { eventually } from "./eventually.ts";
import { startWorld, type World } from "./world.ts";

const roomAnswer = z.object({ room_id: z.string() });
const member = z.looseObject({ membership: z.string().optional() });

describe("an agent in a room whose history the homeserver cannot tell", { timeout: 120_000 }, () => {
  let started: World | undefined;
  let failed = false;

  beforeAll(async () => {
    started = await startWorld({ transport: "appservice", startServers: startStandInStack });
    await started.start();
  }, 120_000);
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
  afterAll(() => started?.close({ keep: failed }), 60_000);

  it("answers in all others meanwhile, and there in order when it can be read, also over a restart", async () => {
    if (started === undefined) throw new Error("the servers did not start");
    const world = started;
    const { anna, app, proxy } = world;
    const agent = await world.agent("Sociable");
    const created = await anna.request("POST", "/createRoom", { preset: "private_chat", name: "Shared" });
    const foreign = { ...agent, roomId: roomAnswer.parse(created).room_id };
    await anna.request("POST", `/rooms/${encodeURIComponent(foreign.roomId)}/invite`, { user_id: agent.userId });
    await eventually("its coming", async () => {
      const state = await anna.state(foreign.roomId, "m.room.member", agent.userId);
      return member.parse(state).membership === "join" ? true : undefined;
    });
    await app.stop();
    const toIt = { "m.mentions": { user_ids: [agent.userId] } };
    const first = await anna.say(foreign.roomId, "first", toIt);
    for (let n = 0; n < 70; n++) await anna.say(foreign.roomId, `among people ${n}`);

    const mend = proxy.interfere({
      instead: ({ path }) =>
        path.includes(`/rooms/${foreign.roomId}/messages`)
          ? { status: 500, body: '{"errcode":"M_UNKNOWN","error":"Internal server error"}' }
          : undefined,
    });
    for (const text of ["Are you there?", "And after a restart?"]) {
      await app.start();
      const { questionId } = await world.ask(agent, text);
      await answerTo(anna, agent, questionId);
      if (text === "Are you there?") await app.stop();
    }
    const second = await anna.say(foreign.roomId, "second", toIt);
    const { questionId: last } = await world.ask(agent, "Still there?");
    await answerTo(anna, agent, last);
    expect(saidBy(anna, foreign)).toEqual([]);
    expect((await app.status()).agents.find(({ userId }) => userId === agent.userId)?.wait?.reason).toContain(
      foreign.roomId,
    );

    mend();
    await answerTo(anna, foreign, second);
    expect(saidBy(anna, foreign).map(({ mark }) => mark?.cause)).toEqual([first, second]);
    const { questionId: after } = await world.ask(foreign, "And now?", toIt);
    await answerTo(anna, foreign, after);
    expect(saidBy(anna, foreign)).toHaveLength(3);
  });
});
