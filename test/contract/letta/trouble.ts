import { expect, it } from "vitest";
import type { LettaAbilities } from "../../../src/letta/port.ts";
import {
  all,
  answerIn,
  askSomewhere,
  type Client,
  failure,
  never,
  question,
  type ServerUnderContract,
} from "./server.ts";

export function troubleContract(server: () => ServerUnderContract, abilities: LettaAbilities): void {
  const newConversation = async ({ backend }: Client) =>
    await backend.createConversation(await server().newAgent(), never);

  it("ends a turn whose model fails with the model's own words, and takes the next message", async () => {
    const client = await server().client();
    const conversation = await newConversation(client);
    const asked = question(conversation, "[[error=400]]");
    const error = await failure(all(client.backend.ask(asked, never)));
    expect(error).toMatchObject({ kind: "failed" });
    expect(error.message).toContain("the message asked the stand-in model for this error");
    expect(await client.backend.lookUp(conversation, asked.otid, never)).toEqual({ state: "lost" });
    const next = question(conversation);
    expect(answerIn(await all(client.backend.ask(next, never)))).toContain(next.nonce);
    await client.close();
  });

  it.skipIf(abilities.repeatsBrokenAnswers)("fails a turn whose model broke off in mid-answer", async () => {
    const client = await server().client();
    const asked = question(await newConversation(client), "[[cut=5]] [[tps=50]] [[words=10]]");
    expect(await failure(all(client.backend.ask(asked, never)))).toMatchObject({ kind: "failed" });
    expect(await client.backend.lookUp(asked.conversation, asked.otid, never)).toEqual({ state: "lost" });
    expect(server().modelCalls(asked.nonce)).toHaveLength(1);
    await client.close();
  });

  it.runIf(abilities.repeatsBrokenAnswers)(
    "takes back what a model wrote that broke off in mid-answer and was asked again",
    async () => {
      const client = await server().client();
      const asked = question(await newConversation(client), "[[cut=5]] [[times=1]] [[tps=50]] [[words=10]]");
      const events = await all(client.backend.ask(asked, never));
      expect(events.map(({ type }) => type)).toContain("withdrawn");
      expect(answerIn(events).match(/nonce=/g)).toHaveLength(1);
      expect(answerIn(events)).toMatch(/ w10$/);
      expect(server().modelCalls(asked.nonce)).toHaveLength(2);
      expect(await client.backend.lookUp(asked.conversation, asked.otid, never)).toEqual({
        state: "answered",
        text: answerIn(events),
      });
      await client.close();
    },
  );

  it("says that an agent does not exist", async () => {
    const client = await server().client();
    const conversation = { agentId: "agent-of-nobody", conversationId: "default" };
    expect(await failure(all(client.backend.ask(question(conversation), never)))).toMatchObject({ kind: "refused" });
    await client.close();
  });

  it("says that a conversation does not exist", async () => {
    const client = await server().client();
    const conversation = { agentId: await server().newAgent(), conversationId: "conversation-of-nobody" };
    expect(await failure(all(client.backend.ask(question(conversation), never)))).toMatchObject({ kind: "gone" });
    await client.close();
  });

  it("is busy while somebody else's turn runs, tells nothing of it, and leaves it alone", async () => {
    const client = await server().client();
    const conversation = await newConversation(client);
    await server().otherTurn(conversation, "of somebody else [[nonce=other]] [[delay=1500]] [[bash=true]]");
    const asked = question(conversation);
    expect(await failure(all(client.backend.ask(asked, never)))).toMatchObject({ kind: "busy" });
    await expect
      .poll(() => all(client.backend.ask(asked, never)).then(answerIn, () => undefined), { timeout: 15_000 })
      .toContain(asked.nonce);
    expect(server().modelCalls(asked.nonce)).toHaveLength(1);
    expect(asked.approvals).toEqual([]);
    await client.close();
  });

  it("is silent when nothing comes for too long; the turn can be looked up and followed to its end", async () => {
    const client = await server().client({ idleTimeoutMs: 700 });
    const asked = question(await newConversation(client), "[[delay=5000]]");
    expect(await failure(all(client.backend.ask(asked, never)))).toMatchObject({ kind: "silent" });
    expect(await client.backend.lookUp(asked.conversation, asked.otid, never)).toEqual({ state: "running" });
    const follow = () =>
      all(client.backend.follow(asked, never)).then(
        (events) => events.at(-1)?.type,
        (error: unknown) => Reflect.get(Object(error), "kind"),
      );
    // Where it ends between two looks, none of them hears its words.
    await expect.poll(follow, { timeout: 10_000, interval: 1 }).toBe("finished");
    expect(await client.backend.lookUp(asked.conversation, asked.otid, never)).toEqual({
      state: "answered",
      text: expect.stringContaining(asked.nonce),
    });
    expect(server().modelCalls(asked.nonce)).toHaveLength(1);
    await client.close();
  });

  it.skipIf(abilities.holdsConversations)("gives up a turn that stays silent for good, and goes on there", async () => {
    const client = await server().client({ idleTimeoutMs: 700 });
    const conversation = await newConversation(client);
    const stalled = question(conversation, "[[words=9]] [[stall=4]]");
    expect(await failure(all(client.backend.ask(stalled, never)))).toMatchObject({ kind: "silent" });
    const next = question(conversation);
    expect(answerIn(await all(client.backend.ask(next, never)))).toContain(next.nonce);
    expect(await client.backend.lookUp(conversation, stalled.otid, never)).toMatchObject({ state: "lost" });
    await client.close();
  });

  it.runIf(abilities.holdsConversations)(
    "gives up a conversation whose last turn stays silent for good, and goes on in a branch",
    async () => {
      const client = await server().client({ idleTimeoutMs: 5_000 });
      const conversation = await newConversation(client);
      const stalled = question(conversation, "[[words=9]] [[stall=4]]");
      expect(await failure(all(client.backend.ask(stalled, never)))).toMatchObject({ kind: "silent" });
      const next = question(conversation);
      expect(await failure(all(client.backend.ask(next, never)))).toMatchObject({ kind: "held" });
      expect(server().modelCalls(next.nonce)).toHaveLength(0);
      const { events } = await askSomewhere(client.backend, next);
      expect(answerIn(events)).toContain(next.nonce);
      await client.close();
    },
  );

  it("takes the next message after a turn that was only slow, there or in a branch, and nothing of that turn", async () => {
    const client = await server().client({ idleTimeoutMs: 5_000 });
    const conversation = await newConversation(client);
    const slow = question(conversation, "[[delay=6000]] [[words=50]] [[tps=20]]");
    expect(await failure(all(client.backend.ask(slow, never)))).toMatchObject({ kind: "silent" });
    const next = question(conversation);
    const { events } = await askSomewhere(client.backend, next);
    expect(answerIn(events)).toContain(next.nonce);
    expect(answerIn(events)).not.toContain(slow.nonce);
    await client.close();
  });

  it("does not ask a message again that it saw answered", async () => {
    const client = await server().client();
    const asked = question(await newConversation(client));
    await all(client.backend.ask(asked, never));
    expect(await failure(all(client.backend.ask(asked, never)))).toMatchObject({ kind: "silent" });
    expect(server().modelCalls(asked.nonce)).toHaveLength(1);
    await client.close();
  });
}
