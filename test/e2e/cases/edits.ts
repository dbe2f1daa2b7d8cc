import { expect, it } from "vitest";
import { answerTo, draftOf, expectOneAnswerEach, saidBy } from "../answers.ts";
import { eventually } from "../eventually.ts";
import type { World } from "../world.ts";

export function edits(world: () => World): void {
  it("#36 a message that its author edits before its turn comes is answered as it was edited; nobody else can", async () => {
    const { anna, bert } = world();
    const agent = await world().agent("Edited in the queue");
    await bert.until("Bert's invitation", () => bert.inviter(agent.roomId));
    await bert.join(agent.roomId);
    const first = await world().askForLong(agent, "Think.");
    const changed = await world().ask(agent, "Wrong word");
    const kept = await world().ask(agent, "My own words");
    const [right, forged] = [world().nonce(), world().nonce()];
    await anna.edit(agent.roomId, changed.questionId, `Right word [[nonce=${right}]]`);
    await bert.edit(agent.roomId, kept.questionId, `Not her words [[nonce=${forged}]]`);
    const last = await world().ask(agent, "That was all");
    // Once it waits, all that was said before it has been looked at.
    await eventually("all of them to wait", async () => {
      const { conversations } = await world().app.status();
      return conversations.find(({ roomId, queued }) => roomId === agent.roomId && queued === 3);
    });
    first.end();
    await answerTo(anna, agent, last.questionId);
    expectOneAnswerEach(
      anna,
      agent,
      [first, changed, kept, last].map(({ questionId }) => questionId),
    );
    expect(world().calls(right)).toMatchObject([{ question: expect.stringContaining("Right word") }]);
    expect(world().calls(kept.nonce)).toMatchObject([{ question: expect.stringContaining("My own words") }]);
    for (const wrong of [changed.nonce, forged]) expect(world().calls(wrong)).toEqual([]);
  });

  it("#36 an edit of a message that is being answered, or was answered, changes and asks nothing", async () => {
    const { anna } = world();
    const agent = await world().agent("Edited too late");
    const { questionId, nonce, end } = await world().askForLong(agent, "Write.");
    await draftOf(anna, agent, questionId);
    const nonces = [world().nonce(), world().nonce()];
    await anna.edit(agent.roomId, questionId, `Write something else [[nonce=${nonces[0]}]]`);
    end();
    const { text } = await answerTo(anna, agent, questionId);
    await anna.edit(agent.roomId, questionId, `Write yet something else [[nonce=${nonces[1]}]]`);
    const after = await world().ask(agent, "Anything else?");
    await answerTo(anna, agent, after.questionId);
    expect(text).toContain(`nonce=${nonce}`);
    expect(world().calls(nonce)).toHaveLength(1);
    for (const late of nonces) expect(world().calls(late)).toEqual([]);
    expectOneAnswerEach(anna, agent, [questionId, after.questionId]);
    expect(saidBy(anna, agent)).toHaveLength(2);
  });

  it("what is not text gets one plain notice that says so, in its place", async () => {
    const { anna } = world();
    const agent = await world().agent("Text only");
    const picture = { msgtype: "m.image", body: "cat.png", url: "mxc://localhost/cat" };
    const pictureId = await anna.send(agent.roomId, picture);
    const after = await world().ask(agent, "Did you see it?");
    await answerTo(anna, agent, after.questionId);
    expectOneAnswerEach(anna, agent, [pictureId, after.questionId]);
    const [notice] = saidBy(anna, agent);
    expect(notice).toMatchObject({ inReplyTo: pictureId, mark: { outcome: "error" } });
    expect(notice?.body).toMatch(/only read text.*images/);
  });
}
