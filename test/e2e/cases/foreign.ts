import { expect, it } from "vitest";
import { z } from "zod";
import { openLettaSocket } from "../../servers/letta-socket.ts";
import { askAgent } from "../../servers/letta-turn.ts";
import { directed } from "../../servers/model-plan.ts";
import { answerTo, expectOneAnswerEach, saidBy } from "../answers.ts";
import { eventually } from "../eventually.ts";
import type { Resident, World } from "../world.ts";

const listed = z.looseObject({ conversations: z.array(z.looseObject({ id: z.string() })) });

/** The conversation in which the agent talks with its room. */
async function conversationOf({ stack }: World, { agentId }: Resident): Promise<string> {
  const socket = await openLettaSocket(stack.letta.url);
  try {
    const list = { type: "conversation_list", query: { agent_id: agentId } };
    const { conversations } = await socket.request(list, listed);
    const ids = conversations.map(({ id }) => id).filter((id) => id !== "default");
    expect(ids).toHaveLength(1);
    return ids[0] ?? "";
  } finally {
    socket.close();
  }
}

/** Somebody talks with the agent in Letta's own app, at the same time. */
export function foreignTurns(world: () => World): void {
  /** Begins a turn of somebody else, which takes a few seconds, or until it may end. */
  async function begin(agent: Resident, conversationId?: string, mayEnd?: Promise<void>) {
    const nonce = world().nonce();
    const text = `Somebody else's. [[nonce=${nonce}]]${mayEnd === undefined ? " [[delay=4000]]" : ""}`;
    if (mayEnd !== undefined) {
      const tokens = async function* (answer: string) {
        await mayEnd;
        yield answer;
      };
      world().plan(nonce, (request) => ({ tokens: tokens(directed(request).text ?? "") }));
    }
    // Letta has many other turns to do meanwhile.
    const options = { withinMs: 120_000, ...(conversationId !== undefined && { conversationId }) };
    const turn = askAgent(world().stack.letta.url, agent.agentId, text, options);
    turn.catch(() => undefined);
    await eventually("its asking the model", () => world().calls(nonce)[0]);
    return { nonce, turn };
  }

  it("a turn in the agent's own conversation is neither shown in the room nor disturbed, and holds nobody up", async () => {
    const { anna } = world();
    const agent = await world().agent("Used elsewhere");
    const foreign = await begin(agent);
    const asked = await world().ask(agent, "And me?");
    expect((await answerTo(anna, agent, asked.questionId)).text).toContain(`nonce=${asked.nonce}`);
    expect(await foreign.turn).toMatchObject({
      text: expect.stringContaining(`nonce=${foreign.nonce}`),
      stopReason: "end_turn",
    });
    expectOneAnswerEach(anna, agent, [asked.questionId]);
    for (const { body } of saidBy(anna, agent)) expect(body).not.toContain(foreign.nonce);
  });

  it("#22 a turn in the room's conversation is waited for, never shown, and not ended by a person's !stop", async () => {
    const { anna } = world();
    const agent = await world().agent("Visited");
    const before = await world().ask(agent, "Hello");
    await answerTo(anna, agent, before.questionId);
    const conversationId = await conversationOf(world(), agent);

    const first = await begin(agent, conversationId);
    const waiting = await world().ask(agent, "And me?");
    expect((await answerTo(anna, agent, waiting.questionId)).text).toContain(`nonce=${waiting.nonce}`);
    expect((await first.turn).text).toContain(`nonce=${first.nonce}`);

    const over = Promise.withResolvers<void>();
    const second = await begin(agent, conversationId, over.promise);
    const stopped = await world().ask(agent, "And now?");
    await eventually("its waiting", async () => {
      const { conversations } = await world().app.status();
      return conversations.find(({ roomId, answering }) => roomId === agent.roomId && answering);
    });
    await anna.say(agent.roomId, "!stop");
    expect((await answerTo(anna, agent, stopped.questionId)).text).toBe("Stopped.");
    over.resolve();
    expect(await second.turn).toMatchObject({
      text: expect.stringContaining(`nonce=${second.nonce}`),
      stopReason: "end_turn",
    });
    expectOneAnswerEach(anna, agent, [before.questionId, waiting.questionId, stopped.questionId]);
    expect(world().calls(stopped.nonce)).toEqual([]);
    for (const { body } of saidBy(anna, agent))
      expect(body).not.toMatch(new RegExp(`${first.nonce}\\b|${second.nonce}\\b`));
  });
}
