import { expect, it } from "vitest";
import { answerTo, expectOneAnswerEach, saidBy } from "../answers.ts";
import type { World } from "../world.ts";

export function edits(world: () => World): void {
  it("#36 a message that is edited before its turn comes is answered as it was edited", async () => {
    const { anna } = world();
    const agent = await world().agent("Edited in the queue");
    const first = await world().ask(agent, "Think. [[delay=3000]]");
    const second = await world().ask(agent, "Wrong word");
    const nonce = world().nonce();
    await anna.edit(agent.roomId, second.questionId, `Right word [[nonce=${nonce}]]`);
    const { text } = await answerTo(anna, agent, second.questionId);
    expect(text).toContain("Right word");
    expect(text).toContain(`nonce=${nonce}`);
    expect(world().calls(second.nonce)).toEqual([]);
    expect(world().calls(nonce)).toHaveLength(1);
    expectOneAnswerEach(anna, agent, [first.questionId, second.questionId]);
  });

  it("#36 an edit of a message that is being answered, or was answered, changes and asks nothing", async () => {
    const { anna } = world();
    const agent = await world().agent("Edited too late");
    const { questionId, nonce } = await world().ask(agent, "Write. [[words=20]] [[tps=10]]");
    await anna.until("a draft", () => saidBy(anna, agent).find(({ mark }) => mark?.cause === questionId));
    const nonces = [world().nonce(), world().nonce()];
    await anna.edit(agent.roomId, questionId, `Write something else [[nonce=${nonces[0]}]]`);
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

  it("#36 an edit by somebody who did not write the message changes nothing", async () => {
    const { anna, bert } = world();
    const agent = await world().agent("Edited by another");
    await bert.until("Bert's invitation", () => bert.inviter(agent.roomId));
    await bert.join(agent.roomId);
    const first = await world().ask(agent, "Think. [[delay=3000]]");
    const second = await world().ask(agent, "My own words");
    const forged = world().nonce();
    await bert.edit(agent.roomId, second.questionId, `Not her words [[nonce=${forged}]]`).catch(() => undefined);
    const { text } = await answerTo(anna, agent, second.questionId);
    expect(text).toContain("My own words");
    expect(world().calls(forged)).toEqual([]);
    expectOneAnswerEach(anna, agent, [first.questionId, second.questionId]);
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
