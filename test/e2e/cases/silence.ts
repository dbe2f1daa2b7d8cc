import { expect, it } from "vitest";
import { answerTo, expectOneAnswerEach, saidBy } from "../answers.ts";
import { markOf, messageOf } from "../room-event.ts";
import type { World } from "../world.ts";

/** What an agent says that wants to say nothing. */
const word = "<no-reply/>";

export function silence(world: () => World): void {
  it("#32 an agent that has nothing to say says nothing, and the next message is answered", async () => {
    const { anna } = world();
    const agent = await world().agent("Silent");
    const { nonce } = await world().ask(agent, `Never mind. [[say=${word}]]`);
    const after = await world().ask(agent, "And now?");
    await answerTo(anna, agent, after.questionId);
    expect(world().calls(nonce)).toHaveLength(1);
    expectOneAnswerEach(anna, agent, [after.questionId]);
    expectNeverShown(world(), agent.roomId, agent.userId);
  });

  it("#32 the word for silence that comes in pieces is not shown in a draft either", async () => {
    const { anna } = world();
    const agent = await world().agent("Slowly silent");
    const nonce = world().nonce();
    world().plan(nonce, { tokens: ["\n", "<no", "-reply", "/>", "\n"], tokensPerSecond: 2 });
    await anna.say(agent.roomId, `Never mind. [[nonce=${nonce}]]`);
    const after = await world().ask(agent, "And now?");
    await answerTo(anna, agent, after.questionId);
    expect(world().calls(nonce)).toHaveLength(1);
    expect(saidBy(anna, agent)).toHaveLength(1);
    expectNeverShown(world(), agent.roomId, agent.userId);
  });

  it("#32 an agent that thinks better of it takes back what was shown of its answer", async () => {
    const { anna } = world();
    const agent = await world().agent("Hesitant");
    const nonce = world().nonce();
    world().plan(nonce, { tokens: ["Well, ", "let ", "me ", "see. ", "<no", "-reply", "/>"], tokensPerSecond: 3 });
    const questionId = await anna.say(agent.roomId, `Hm? [[nonce=${nonce}]]`);
    await anna.until("a draft", () => saidBy(anna, agent).find(({ mark }) => mark?.cause === questionId));
    const after = await world().ask(agent, "And now?");
    await answerTo(anna, agent, after.questionId);
    expectOneAnswerEach(anna, agent, [after.questionId]);
    expect(saidBy(anna, agent)).toHaveLength(1);
    expectNeverShown(world(), agent.roomId, agent.userId);
  });
}

/** Not in any version of any message: an edit is an event too. */
function expectNeverShown({ anna }: World, roomId: string, userId: string): void {
  const own = anna.events(roomId).filter(({ sender, content }) => sender === userId && markOf(content) !== undefined);
  for (const event of own) {
    expect(messageOf(event)?.body).not.toContain("<no");
    expect(JSON.stringify(event.content)).not.toContain("no-reply");
  }
}
