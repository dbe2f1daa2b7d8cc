import { expect, it } from "vitest";
import { answerTo, expectOneAnswerEach, saidBy } from "../answers.ts";
import { messageOf } from "../room-event.ts";
import type { World } from "../world.ts";

/** Where an answer stands, and whom it rings. */
export function places(world: () => World): void {
  it("a question in a thread is answered in that thread, a plain one beside it is not", async () => {
    const { anna } = world();
    const agent = await world().agent("Threader");
    const root = await world().ask(agent, "A thread begins here. [[delay=500]]");
    const inThread = {
      "m.relates_to": {
        rel_type: "m.thread",
        event_id: root.questionId,
        is_falling_back: true,
        "m.in_reply_to": { event_id: root.questionId },
      },
    };
    const threaded = await world().ask(agent, "In the thread. [[words=20]] [[tps=10]]", inThread);
    const plain = await world().ask(agent, "Beside it.");
    const picture = { msgtype: "m.file", body: "a.pdf", url: "mxc://localhost/a", ...inThread };
    const fileId = await anna.send(agent.roomId, picture);
    const failing = await world().ask(agent, "Fail in the thread. [[error=400]]", inThread);
    await answerTo(anna, agent, failing.questionId);

    const questions = [root.questionId, threaded.questionId, plain.questionId, fileId, failing.questionId];
    expectOneAnswerEach(anna, agent, questions);
    const thread = root.questionId;
    expect(saidBy(anna, agent).map(({ thread: where, inReplyTo }) => ({ where, inReplyTo }))).toEqual([
      { where: undefined, inReplyTo: root.questionId },
      { where: thread, inReplyTo: threaded.questionId },
      { where: undefined, inReplyTo: plain.questionId },
      { where: thread, inReplyTo: fileId },
      { where: thread, inReplyTo: failing.questionId },
    ]);
  });

  it("a reply is answered as a reply to it, and the agent is told what it replies to, without the quotation", async () => {
    const { anna } = world();
    const agent = await world().agent("Replier");
    const first = await world().ask(agent, "Hello");
    const [answer] = (await answerTo(anna, agent, first.questionId)).finals;
    const reply = { "m.relates_to": { "m.in_reply_to": { event_id: answer?.eventId } } };
    const nonce = world().nonce();
    const quoting = `> <${agent.userId}> quoted words\n> of the answer\n\nWhat do you mean? [[nonce=${nonce}]]`;
    const questionId = await anna.say(agent.roomId, quoting, reply);
    await answerTo(anna, agent, questionId);
    const [call] = world().calls(nonce);
    expect(call?.question).toContain(`in reply to: ${answer?.eventId}`);
    expect(call?.question).toContain("What do you mean?");
    expect(call?.question).not.toContain("quoted words");
    expect(saidBy(anna, agent).map(({ inReplyTo, thread }) => [inReplyTo, thread])).toEqual([
      [first.questionId, undefined],
      [questionId, undefined],
    ]);
  });

  it("everybody in the room is answered, and each answer rings who asked", async () => {
    const { anna, bert } = world();
    const agent = await world().agent("Popular");
    await bert.until("Bert's invitation", () => bert.inviter(agent.roomId));
    await bert.join(agent.roomId);
    const nonce = world().nonce();
    const [annas, berts] = await Promise.all([
      world().ask(agent, "Anna here"),
      bert.say(agent.roomId, `Bert here [[nonce=${nonce}]]`),
    ]);
    const toAnna = await answerTo(bert, agent, annas.questionId);
    const toBert = await answerTo(bert, agent, berts);
    const rung = ({ finals }: typeof toAnna) => finals.map((final) => messageOf(final)?.["m.mentions"]?.user_ids ?? []);
    expect(rung(toAnna)).toEqual([[anna.userId]]);
    expect(rung(toBert)).toEqual([[bert.userId]]);
    expect(world().calls(nonce)[0]?.question).toContain(`from: ${bert.userId}`);
  });
}
