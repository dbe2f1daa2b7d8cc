import { expect, it } from "vitest";
import { answerTo, draftOf, expectOneAnswerEach, saidBy } from "../answers.ts";
import { markOf, messageOf } from "../room-event.ts";
import type { World } from "../world.ts";

/** What an agent says that wants to say nothing. */
const word = "<no-reply/>";

export function silence(world: () => World): void {
  it("#32 an agent that has nothing to say says nothing, also when it says so in pieces, and answers the next message", async () => {
    const { anna } = world();
    const agent = await world().agent("Silent");
    const { nonce } = await world().ask(agent, `Never mind. [[say=${word}]]`);
    const pieces = world().nonce();
    world().plan(pieces, { tokens: ["\n", "<no", "-reply", "/>", "\n"], tokensPerSecond: 2 });
    await anna.say(agent.roomId, `Never mind again. [[nonce=${pieces}]]`);
    const after = await world().ask(agent, "And now?");
    await answerTo(anna, agent, after.questionId);
    for (const silent of [nonce, pieces]) expect(world().calls(silent)).toHaveLength(1);
    expectOneAnswerEach(anna, agent, [after.questionId]);
    expect(saidBy(anna, agent)).toHaveLength(1);
    expectNeverShown(world(), agent.roomId, agent.userId);
  });

  it("#32 an agent that thinks better of it takes back what was shown of its answer", async () => {
    const { anna } = world();
    const agent = await world().agent("Hesitant");
    const nonce = world().nonce();
    const { promise: shown, resolve: wasShown } = Promise.withResolvers<void>();
    const tokens = async function* () {
      yield* ["Well, ", "let ", "me ", "see.\n\n"];
      await shown;
      yield* ["<no", "-reply", "/>"];
    };
    world().plan(nonce, () => ({ tokens: tokens(), tokensPerSecond: 3 }));
    const questionId = await anna.say(agent.roomId, `Hm? [[nonce=${nonce}]]`);
    await draftOf(anna, agent, questionId);
    wasShown();
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
