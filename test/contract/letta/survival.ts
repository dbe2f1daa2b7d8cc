import { expect, it } from "vitest";
import type { Conversation, TurnFate } from "../../../src/letta/port.ts";
import { killInMidTurn } from "./killed-server.ts";
import {
  all,
  answerIn,
  type Client,
  failure,
  never,
  type Question,
  question,
  type ServerUnderContract,
  until,
} from "./server.ts";

/** On a server whose turns go on when whoever watches them is gone. */
export function survivalContract(server: () => ServerUnderContract): void {
  const newConversation = async ({ backend }: Client) =>
    await backend.createConversation(await server().newAgent(), never);

  const takesTheNext = async ({ backend }: Client, conversation: Conversation) => {
    const asked = question(conversation);
    expect(answerIn(await all(backend.ask(asked, never)))).toContain(asked.nonce);
  };

  /** As the actor of the conversation does it: looks up, follows while it runs, and looks up again. */
  const settle = async ({ backend }: Client, asked: Question): Promise<TurnFate> => {
    const deadline = performance.now() + 30_000;
    for (;;) {
      const fate = await backend.lookUp(asked.conversation, asked.otid, never);
      if (fate.state !== "running" || performance.now() > deadline) return fate;
      await all(backend.follow(asked, never)).catch(() => {});
    }
  };

  it("finishes the turn of a client that is gone in mid-answer; another one follows it from its beginning", async () => {
    const client = await server().client();
    const asked = question(await newConversation(client), "[[tps=10]] [[words=40]]");
    const death = new AbortController();
    const { rest } = await until(client.backend.ask(asked, death.signal), "text");
    client.crash();
    death.abort(new Error("the process is gone"));
    await rest;
    const other = await server().client();
    expect(await other.backend.lookUp(asked.conversation, asked.otid, never)).toEqual({ state: "running" });
    const answer = answerIn(await all(other.backend.follow(asked, never)));
    expect(answer).toContain(asked.nonce);
    expect(answer).toMatch(/ w40$/);
    expect(await settle(other, asked)).toEqual({ state: "answered", text: answer });
    expect(server().modelCalls(asked.nonce)).toHaveLength(1);
    await takesTheNext(other, asked.conversation);
    await Promise.all([client.close(), other.close()]);
  });

  it("picks up a stream that was cut where it was cut, and shows nothing twice", async () => {
    const client = await server().client();
    const asked = question(await newConversation(client), "[[tps=20]] [[words=30]]");
    const { seen, rest } = await until(client.backend.ask(asked, never), "text");
    client.crash();
    expect(await rest).toBeUndefined();
    expect(seen.at(-1)).toEqual({ type: "finished", stopReason: "end_turn" });
    expect(await settle(client, asked)).toEqual({ state: "answered", text: answerIn(seen) });
    await client.close();
  });

  it("branches a conversation: what was said in it is known there", async () => {
    const client = await server().client();
    const first = question(await newConversation(client));
    await all(client.backend.ask(first, never));
    const branch = await client.backend.branchConversation(first.conversation, never);
    expect(branch.conversationId).not.toBe(first.conversation.conversationId);
    const next = question(branch);
    await all(client.backend.ask(next, never));
    expect(server().past(next.nonce).join("\n")).toContain(first.nonce);
    await client.close();
  });

  it("calls turns lost that died with the server, once nothing has come of them for long, and takes the next message", async () => {
    const client = await server().client();
    const answered = question(await newConversation(client));
    const early = question(await newConversation(client), "[[delay=20000]]");
    const late = question(await newConversation(client), "[[tps=20]] [[words=200]]");
    const answer = answerIn(await all(client.backend.ask(answered, never)));
    await killInMidTurn(server(), client, { answered, early, late }, /Letta/);
    await client.close();

    await server().restart();
    const after = await server().client({ idleTimeoutMs: 1_000, lockMs: 1_000 });
    const fates = await Promise.all([answered, early, late].map((asked) => settle(after, asked)));
    expect(fates).toEqual([{ state: "answered", text: answer }, { state: "lost" }, { state: "lost" }]);
    for (const { conversation, nonce } of [answered, early, late]) {
      await takesTheNext(after, conversation);
      expect(server().modelCalls(nonce)).toHaveLength(1);
    }
    await after.close();
  });

  it("takes a turn for slow, not dead, while the server may still have it", async () => {
    const client = await server().client({ idleTimeoutMs: 600, lockMs: 60_000 });
    const asked = question(await newConversation(client), "[[delay=3000]]");
    expect(await failure(all(client.backend.ask(asked, never)))).toMatchObject({ kind: "silent" });
    expect(await failure(all(client.backend.follow(asked, never)))).toMatchObject({ kind: "silent" });
    expect(await settle(client, asked)).toMatchObject({ state: "answered" });
    expect(server().modelCalls(asked.nonce)).toHaveLength(1);
    await client.close();
  });
}
