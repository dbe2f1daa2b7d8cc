import { expect, it } from "vitest";
import { z } from "zod";
import { answerTo } from "../answers.ts";
import { messageOf, type RoomEvent } from "../room-event.ts";
import type { Resident, World } from "../world.ts";

/** The final of an answer that passes on what another agent has said. */
const late = z.object({ "io.letta_matrix.turn": z.object({ final: z.literal(true), reply_to: z.string() }) });

export interface AmongEachOther {
  readonly asking: Resident;
  readonly asked: Resident;
}

/** What an agent is told when nobody waits any more for what it has asked. */
export function lateAnswers(world: () => World, agents: () => AmongEachOther): void {
  const passedOn = ({ roomId }: Resident): readonly RoomEvent[] =>
    world()
      .anna.events(roomId)
      .filter(({ content }) => late.safeParse(content).success);
  const heard = (words: string) =>
    world()
      .stack.model.calls()
      .filter(({ question }) => question.includes("in answer to: what you have asked") && question.includes(words));

  /** Anna has one agent ask the other, which answers with these words after a while. */
  async function askThrough(words: string, delayMs: number) {
    const { asking, asked } = agents();
    const nonce = world().nonce();
    world().plan(nonce, { text: words, delayMs });
    // Directives do not nest.
    const wish = JSON.stringify({ agent: asked.name, message: `What is it? [[nonce=${nonce}]]` })
      .replaceAll("[", "\\u005b")
      .replaceAll("]", "\\u005d");
    const { questionId } = await world().ask(asking, `Ask. [[tool=send_message_to_agent]] [[arguments=${wish}]]`);
    const answer = await answerTo(world().anna, asking, questionId);
    expect(answer.text).toMatch(/"state":"(asked|accepted)"/);
    return { nonce, questionId };
  }

  it("an answer for which nobody waits comes back to where it was asked, is heard once over kills, and goes no further", async () => {
    const { anna, app } = world();
    const { asking, asked } = agents();
    const before = passedOn(asking).length;
    const { nonce, questionId } = await askThrough("It is a grey heron.", 10_000);
    // Before it is answered, and again when what is made of it stands there.
    await app.kill();
    await world().start();
    const [told] = await anna.until(
      "what is made of the answer",
      () => {
        const found = passedOn(asking).slice(before);
        return found.length > 0 ? found : undefined;
      },
      90_000,
    );
    await app.kill();
    await world().start();
    expect(told?.content).toMatchObject({ "io.letta_matrix.turn": { cause: questionId, reply_to: asked.userId } });
    expect([told?.sender, told && messageOf(told)?.["m.mentions"]?.user_ids]).toEqual([asking.userId, [anna.userId]]);
    // One more question and answer: whatever would come twice has come by then.
    const { questionId: last } = await world().ask(asking, "Anything else?");
    await answerTo(anna, asking, last);
    expect(passedOn(asking)).toHaveLength(before + 1);
    expect(heard("a grey heron")).toMatchObject([{ secretWord: asking.secretWord }]);
    // It is not answered back.
    const inTheirs = anna.events(asked.roomId).filter(({ sender }) => sender === asking.userId);
    expect(inTheirs.filter((event) => messageOf(event)?.body.includes(nonce))).toHaveLength(1);
    expect(passedOn(asked)).toEqual([]);
  });

  it("an answer that the tool has given is not heard again", async () => {
    const { anna } = world();
    const { asking, asked } = agents();
    const before = passedOn(asking).length;
    const wish = { agent: asked.name, message: "And the weather by the lake?", wait_seconds: 50 };
    const told = `Ask. [[tool=send_message_to_agent]] [[arguments=${JSON.stringify(wish)}]]`;
    const { questionId } = await world().ask(asking, told);
    expect((await answerTo(anna, asking, questionId)).text).toMatch(/"state":"answered"/);
    const { questionId: last } = await world().ask(asking, "Anything else?");
    await answerTo(anna, asking, last);
    expect(passedOn(asking)).toHaveLength(before);
    expect(heard("the weather by the lake")).toEqual([]);
  });
}
