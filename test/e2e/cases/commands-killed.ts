import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { answered, answerTo, draftOf, expectOneAnswerEach, saidBy } from "../answers.ts";
import type { World } from "../world.ts";
import { bodyOf, endsOf, requestIn } from "./commands.ts";

/** The program is killed between what people command and what comes of it. */
export function commandsKilled(world: () => World): void {
  it("#23 a request that stood open when the program was killed says so, and is made anew: the tool runs once", async () => {
    const { anna, app } = world();
    const agent = await world().agent("Killed while it waits");
    const runs = join(world().dir, "tool-runs");
    const asked = await world().ask(agent, `Run. [[bash=echo it-$((40 + 2)) | tee -a ${runs}]]`);
    const first = await requestIn(anna, agent, asked.questionId);
    await app.kill();
    await app.start();
    await bodyOf(anna, agent, first.eventId, /Not decided: the work on this was cut off/);
    const second = await requestIn(anna, agent, asked.questionId);
    expect(second.eventId).not.toBe(first.eventId);
    await anna.react(agent.roomId, first.eventId, "✅");
    await anna.react(agent.roomId, second.eventId, "✅");
    const { text } = await answerTo(anna, agent, asked.questionId);
    expect(text).toContain("it-42");
    expect(await readFile(runs, "utf8")).toBe("it-42\n");
    expectOneAnswerEach(anna, agent, [asked.questionId]);
  });

  it("#24 !stop and !retry that were said while the program was down are carried out once", async () => {
    const { anna, app } = world();
    const agent = await world().agent("Commanded while down");
    const long = await world().ask(agent, "Write. [[words=100]] [[tps=5]]");
    await draftOf(anna, agent, long.questionId);
    await app.kill();
    const stop = await anna.say(agent.roomId, "!stop");
    await app.start();
    const { text } = await answerTo(anna, agent, long.questionId, 60_000);
    expect(text).toMatch(/Stopped\.\)?$/);

    await app.kill();
    await anna.say(agent.roomId, "!retry");
    await app.start();
    await anna.until("the retried turn", () => draftOfRetry(world(), agent.roomId, long.questionId));
    await app.kill();
    await app.start();
    await anna.until("its end", () => endsOf(anna, agent, long.questionId)[1], 120_000);
    expect(endsOf(anna, agent, long.questionId)).toEqual(["error", "answer"]);
    expect(answered(anna.events(agent.roomId), long.questionId)?.text).toContain("w100");
    expect(saidBy(anna, agent).filter(({ inReplyTo }) => inReplyTo === stop)).toEqual([]);
  });
}

/** A draft of the second time that the question is asked. */
function draftOfRetry({ anna }: World, roomId: string, questionId: string) {
  return anna.events(roomId).find(({ content }) => {
    const mark = Object(content["io.letta_matrix.turn"]);
    return mark.cause === questionId && mark.retry !== undefined;
  });
}
