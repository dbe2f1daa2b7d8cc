import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Conversation } from "../../../src/letta/port.ts";
import { type RestUnderContract, restAbilities, restServer } from "../../contract/letta/rest-server.ts";
import { all, answerIn, type Client, failure, never, question, until } from "../../contract/letta/server.ts";
import { startModel } from "../../servers/model.ts";
import { startV1StandIn } from "../../servers/v1/stand-in.ts";

describe("A server without Redis, which runs no turn in the background", () => {
  let server: RestUnderContract;
  let client: Client;
  let conversation: Conversation;

  beforeAll(async () => {
    server = await restServer({ startModel, start: (model) => startV1StandIn({ model, redis: false }), haste: 5 });
    client = await server.client();
    conversation = await client.backend.createConversation(await server.newAgent(), never);
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });

  test("is asked in the foreground, and from then on said to have turns that need a watcher", async () => {
    const asked = question(conversation);
    expect(client.backend.abilities).toEqual(restAbilities);
    const answer = answerIn(await all(client.backend.ask(asked, never)));
    expect(answer).toContain(asked.nonce);
    expect(client.backend.abilities).toEqual({ ...restAbilities, turnsOutliveWatchers: false });
    expect(server.modelCalls(asked.nonce)).toHaveLength(1);
    const other = await server.client();
    expect(await other.backend.lookUp(conversation, asked.otid, never)).toEqual({ state: "answered", text: answer });
    await other.close();
  });

  test("is not sent a message again that it has answered: in the foreground it would run again", async () => {
    const asked = question(conversation);
    await all(client.backend.ask(asked, never));
    expect(await failure(all(client.backend.ask(asked, never)))).toMatchObject({ kind: "silent" });
    expect(server.modelCalls(asked.nonce)).toHaveLength(1);
  });

  test("does not know a message that never arrived", async () => {
    const other = await server.client();
    expect(await other.backend.lookUp(conversation, question(conversation).otid, never)).toEqual({ state: "unknown" });
    await other.close();
  });

  test("is not sent an approval again while a run goes on that may come of it: the tool would run twice", async () => {
    const slow = '[[arguments={"label":"persona","new_string":"I learn."}]] [[tps=5]] [[words=20]]';
    const waiting = await client.backend.createConversation(await server.newAgent(undefined, "memory_insert"), never);
    const asked = question(waiting, `[[tool=memory_insert]] ${slow}`);
    const asking = all(client.backend.ask(asked, never));
    await expect.poll(() => server.modelCalls(asked.nonce).length).toBe(2);
    const other = await server.client();
    expect(await failure(other.backend.lookUp(waiting, asked.otid, never))).toMatchObject({ kind: "busy" });
    await asking;
    expect(await other.backend.lookUp(waiting, asked.otid, never)).toMatchObject({ state: "answered" });
    expect(server.modelCalls(asked.nonce)).toHaveLength(2);
    await other.close();
  });

  test("leaves it open what became of a message while a run goes on that may be its own", async () => {
    const busy = await client.backend.createConversation(await server.newAgent(), never);
    const asked = question(busy, "[[tps=5]] [[words=20]]");
    const { rest } = await until(client.backend.ask(asked, never), "text");
    const other = await server.client();
    expect(await failure(other.backend.lookUp(busy, asked.otid, never))).toMatchObject({ kind: "busy" });
    expect(await rest).toBeUndefined();
    expect(await other.backend.lookUp(busy, asked.otid, never)).toMatchObject({ state: "answered" });
    await other.close();
  });
});
