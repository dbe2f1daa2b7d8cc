import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Conversation, LettaAbilities } from "../../../src/letta/port.ts";
import {
  all,
  answerIn,
  askSomewhere,
  type Client,
  never,
  type Question,
  question,
  type ServerUnderContract,
  until,
} from "./server.ts";

export function turnsContract(server: () => ServerUnderContract, abilities: LettaAbilities): void {
  let client: Client;
  let conversation: Conversation;
  const { ask, lookUp } = {
    ask: (...asked: Parameters<Client["backend"]["ask"]>) => client.backend.ask(...asked),
    lookUp: (otid: string) => client.backend.lookUp(conversation, otid, never),
  };

  const somewhere = async (next: Question) => {
    const { conversation: where, events } = await askSomewhere(client.backend, next);
    conversation = where;
    return { text: answerIn(events) };
  };

  beforeAll(async () => {
    client = await server().client();
    conversation = await client.backend.createConversation(await server().newAgent(), never);
  });
  afterAll(() => client?.close());

  it("accepts the message, gives the answer in pieces, and ends with finished", async () => {
    const asked = question(conversation, "[[tps=40]] [[words=20]]");
    const events = await all(ask(asked, never));
    expect(events[0]).toEqual({ type: "accepted" });
    expect(events.at(-1)).toEqual({ type: "finished", stopReason: "end_turn" });
    expect(events.filter(({ type }) => type === "text").length).toBeGreaterThan(5);
    expect(answerIn(events)).toContain(`nonce=${asked.nonce}`);
    expect(answerIn(events)).toMatch(/ w20$/);
  });

  it("gives the first piece while the model still writes", async () => {
    const asked = question(conversation, "[[tps=20]] [[words=120]]");
    const { rest } = await until(ask(asked, never), "text");
    expect(server().modelCalls(asked.nonce)[0]?.endedAt).toBeUndefined();
    await rest;
    expect(server().modelCalls(asked.nonce)[0]?.endedAt).toBeDefined();
  });

  it("knows an answered message by its otid, with the text of the answer", async () => {
    const asked = question(conversation);
    const events = await all(ask(asked, never));
    expect(await lookUp(asked.otid)).toEqual({ state: "answered", text: answerIn(events) });
    await all(ask(question(conversation), never));
    expect(await lookUp(asked.otid)).toMatchObject({ state: "answered", text: answerIn(events) });
  });

  it("knows nothing of a message that was never sent", async () => {
    expect(await lookUp(randomUUID())).toEqual({ state: "unknown" });
  });

  it("calls a message running while its turn goes on", async () => {
    const asked = question(conversation, "[[delay=5000]]");
    const { rest } = await until(ask(asked, never), "accepted");
    expect(await lookUp(asked.otid)).toEqual({ state: "running" });
    await rest;
    expect(await lookUp(asked.otid)).toMatchObject({ state: "answered" });
  });

  it("need not cancel what has ended, or was never sent", async () => {
    const asked = question(conversation);
    await all(ask(asked, never));
    for (const otid of [asked.otid, randomUUID()]) await client.backend.cancel(conversation, otid, never);
    expect(await lookUp(asked.otid)).toMatchObject({ state: "answered" });
  });

  it("answers messages of two conversations side by side", async () => {
    const other = await client.backend.createConversation(conversation.agentId, never);
    const asked = [question(conversation, "[[delay=3000]]"), question(other, "[[delay=3000]]")];
    const answers = await Promise.all(asked.map((each) => all(ask(each, never))));
    expect(answers.map(answerIn)).toEqual(asked.map(({ nonce }) => expect.stringContaining(nonce)));
    const calls = asked.map(({ nonce }) => server().modelCalls(nonce)[0]);
    const lastBegin = Math.max(...calls.map((call) => call?.at ?? Number.POSITIVE_INFINITY));
    for (const call of calls) expect(call?.endedAt).toBeGreaterThan(lastBegin);
  });

  it("ends a turn that is cancelled: it comes to no answer, and the next message is taken soon, there or in a branch", async () => {
    const asked = question(conversation, "[[tps=10]] [[words=30]]");
    const { rest } = await until(ask(asked, never), "text");
    await client.backend.cancel(conversation, asked.otid, never);
    expect(await rest).toMatchObject({ kind: "failed" });
    await expect.poll(() => lookUp(asked.otid), { timeout: 10_000 }).toEqual({ state: "lost" });
    const next = question(conversation);
    const { text } = await somewhere(next);
    expect(text).toContain(`nonce=${next.nonce}`);
    expect(text).not.toContain(asked.nonce);
    expect(await lookUp(asked.otid)).toEqual({ state: "lost" });
  });

  it.runIf(abilities.turnsOutliveWatchers)("goes on with a turn that nobody watches any more", async () => {
    const asked = question(conversation, "[[tps=5]] [[words=20]]");
    const stop = new AbortController();
    const { rest } = await until(ask(asked, stop.signal), "text");
    stop.abort(new Error("enough"));
    expect(await rest).toMatchObject({ message: "enough" });
    expect(await lookUp(asked.otid)).toEqual({ state: "running" });
    expect(answerIn(await all(client.backend.follow(asked, never)))).toMatch(/ w20$/);
    await expect.poll(() => lookUp(asked.otid)).toMatchObject({ state: "answered" });
    expect(server().modelCalls(asked.nonce)).toHaveLength(1);
  });

  it.skipIf(abilities.turnsOutliveWatchers)(
    "stops a turn that nobody watches any more, and takes the next message soon",
    async () => {
      const asked = question(conversation, "[[tps=10]] [[words=100]]");
      const stop = new AbortController();
      const { rest } = await until(ask(asked, stop.signal), "text");
      stop.abort(new Error("enough"));
      expect(await rest).toMatchObject({ message: "enough" });
      await expect.poll(() => lookUp(asked.otid), { timeout: 10_000 }).toEqual({ state: "lost" });
      const next = question(conversation);
      expect(answerIn(await all(ask(next, never)))).toContain(next.nonce);
    },
  );
}
