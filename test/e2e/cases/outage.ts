import { expect, it } from "vitest";
import { answered, answerTo, draftOf, expectOneAnswerEach, saidBy } from "../answers.ts";
import type { World } from "../world.ts";

/** Letta goes away and comes back. These change the world of everybody else: one after the other. */
export function outages(world: () => World): void {
  it("#21 while Letta is down a person sees what is wrong, and afterwards one answer in the same place", async () => {
    const { anna, app, stack } = world();
    const [agent, silent, threader] = await Promise.all([
      world().agent("In an outage"),
      world().agent("Silent in an outage"),
      world().agent("Threader in an outage"),
    ]);
    const root = await world().ask(threader, "A thread begins here.");
    await answerTo(anna, threader, root.questionId);
    await stack.letta.kill("SIGKILL");

    const first = await world().ask(agent, "Anybody there?");
    const second = await world().ask(agent, "Hello?");
    const unanswered = await world().ask(silent, "Never mind. [[say=<no-reply/>]]");
    const inThread = { "m.relates_to": { rel_type: "m.thread", event_id: root.questionId } };
    const threaded = await world().ask(threader, "And in here?", inThread);

    const waiting = await anna.until("a notice about Letta", () => saidBy(anna, agent)[0]);
    expect(waiting).toMatchObject({ msgtype: "m.notice", inReplyTo: first.questionId, mark: { final: false } });
    expect(waiting.body).toMatch(/Letta/);
    expect(waiting.body).toMatch(/I keep trying\.$/);
    await anna.until("a notice in the silent agent's room", () => saidBy(anna, silent)[0]);
    const inTheThread = await anna.until("a notice in the thread", () => saidBy(anna, threader)[1]);
    expect(inTheThread).toMatchObject({ msgtype: "m.notice", thread: root.questionId });

    const status = await app.status();
    const conversation = status.conversations.find(({ roomId }) => roomId === agent.roomId);
    expect(conversation).toMatchObject({
      answering: true,
      queued: 1,
      wait: { reason: expect.stringMatching(/Letta/) },
    });
    expect(status.discovery?.wait?.reason).toMatch(/Letta/);
    const text = await app.command("status");
    expect(text.code).toBe(0);
    expect(text.out).toContain("In an outage");
    expect(text.out).toMatch(/Letta/);

    await stack.letta.restart();
    await answerTo(anna, agent, second.questionId, 90_000);
    expectOneAnswerEach(anna, agent, [first.questionId, second.questionId]);
    const [answer] = saidBy(anna, agent);
    expect(answer).toMatchObject({ eventId: waiting.eventId, msgtype: "m.text", mark: { outcome: "answer" } });
    expect(answer?.body).toContain(`nonce=${first.nonce}`);
    expect(saidBy(anna, agent)).toHaveLength(2);

    await answerTo(anna, threader, threaded.questionId, 90_000);
    expect(saidBy(anna, threader)).toMatchObject([
      { inReplyTo: root.questionId },
      { eventId: inTheThread.eventId, msgtype: "m.text", thread: root.questionId, mark: { outcome: "answer" } },
    ]);

    await anna.until(
      "the silent agent's notice to go",
      () => (saidBy(anna, silent).length === 0 ? true : undefined),
      90_000,
    );
    expect(world().calls(unanswered.nonce)).toHaveLength(1);
    const after = await world().ask(silent, "And now?");
    await answerTo(anna, silent, after.questionId);
    expectOneAnswerEach(anna, silent, [after.questionId]);
    for (const event of anna.events(silent.roomId)) expect(JSON.stringify(event.content)).not.toContain('<no-reply/>"');
    for (const { nonce } of [first, second, threaded]) expect(world().calls(nonce)).toHaveLength(1);
  });

  it("#7 a connection to Letta that breaks in the middle of an answer leaves one whole answer", async () => {
    const { anna, gate } = world();
    const agent = await world().agent("Cut off from Letta");
    const { questionId, nonce, end } = await world().askForLong(agent, "Write.");
    const draft = await draftOf(anna, agent, questionId);
    gate.cut();
    end();
    const next = await world().ask(agent, "Still there?");
    const { outcome, text } = await answerTo(anna, agent, questionId, 90_000);
    expect(outcome).toBe("answer");
    expect(text).toContain(`nonce=${nonce}`);
    expect(text).toMatch(/ The end\.$/);
    await answerTo(anna, agent, next.questionId);
    expectOneAnswerEach(anna, agent, [questionId, next.questionId]);
    expect(saidBy(anna, agent)).toMatchObject([{ eventId: draft.eventId, msgtype: "m.text" }, { msgtype: "m.text" }]);
    expect(world().calls(nonce).length).toBeLessThanOrEqual(2);
  });

  it("#7 a message whose tool call was approved is not asked again when the connection breaks: a plain error says so", async () => {
    const { anna, gate } = world();
    const agent = await world().agent("Cut off from its tool");
    const nonce = world().nonce();
    const remember = {
      command: "create",
      path: "note.md",
      file_text: "noted",
      reason: "to see it done once",
    };
    world().plan(nonce, ({ toolResults }) =>
      toolResults.length === 0
        ? { toolCall: { name: "Memory", arguments: JSON.stringify(remember) } }
        : { text: "Noted, and here is a long story. ".repeat(100), tokensPerSecond: 10 },
    );
    const questionId = await anna.say(agent.roomId, `Note this. [[nonce=${nonce}]]`);
    await draftOf(anna, agent, questionId);
    gate.cut();
    const { outcome, text } = await answerTo(anna, agent, questionId, 90_000);
    expect(outcome).toBe("error");
    expect(text).toMatch(/before it had answered\. Write !retry to have me try again/);
    const next = await world().ask(agent, "Still there?");
    expect((await answerTo(anna, agent, next.questionId, 90_000)).outcome).toBe("answer");
    expect(
      world()
        .calls(nonce)
        .filter(({ afterTool }) => !afterTool),
    ).toHaveLength(1);
    expectOneAnswerEach(anna, agent, [questionId, next.questionId]);
  });

  it("#6 a kill -9 in the middle of an answer loses nothing and doubles nothing", async () => {
    const { anna, app } = world();
    const agent = await world().agent("Killed in mid-turn");
    const { questionId, nonce, end } = await world().askForLong(agent, "Write.");
    const queued = await world().ask(agent, "And this?");
    const draft = await draftOf(anna, agent, questionId);
    await app.kill();
    end();
    const meanwhile = await world().ask(agent, "And this, meanwhile?");
    expect(answered(anna.events(agent.roomId), questionId)).toBeUndefined();
    await app.start();
    const { outcome, text } = await answerTo(anna, agent, questionId, 90_000);
    expect(outcome).toBe("answer");
    expect(text).toContain(`nonce=${nonce}`);
    expect(text).toMatch(/ The end\.$/);
    await answerTo(anna, agent, meanwhile.questionId);
    expectOneAnswerEach(anna, agent, [questionId, queued.questionId, meanwhile.questionId]);
    expect(saidBy(anna, agent)).toHaveLength(3);
    expect(saidBy(anna, agent)[0]).toMatchObject({ eventId: draft.eventId, msgtype: "m.text" });
    expect(world().calls(nonce).length).toBeLessThanOrEqual(2);
  });
}
