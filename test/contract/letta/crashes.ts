import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Conversation, LettaError, type TurnFate } from "../../../src/letta/port.ts";
import { killInMidTurn } from "./killed-server.ts";
import {
  all,
  answerIn,
  askSomewhere,
  type Client,
  failure,
  never,
  type Question,
  question,
  type ServerUnderContract,
  until,
} from "./server.ts";

/** For a moment Letta may not be done with the turn of a client that is gone. */
async function unlessBusy<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isBusy = error instanceof LettaError && error.kind === "busy";
      if (!isBusy || performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

export function crashesContract(server: () => ServerUnderContract): void {
  const newConversation = async ({ backend }: Client) =>
    await backend.createConversation(await server().newAgent(), never);

  /** What a client that was started after the crash finds. */
  const afterwards = async (conversation: Conversation, otid: string): Promise<TurnFate> => {
    const client = await server().client();
    const fate = await client.backend.lookUp(conversation, otid, never);
    await client.close();
    return fate;
  };

  /** Gives the answer. Its client is gone at once: one that stays acknowledges what it was told. */
  const answeredThenGone = async (asked: Question): Promise<string> => {
    const client = await server().client();
    const events = await all(client.backend.ask(asked, never));
    client.crash();
    return answerIn(events);
  };

  const takesTheNext = async (conversation: Conversation) => {
    const client = await server().client();
    const asked = question(conversation);
    const next = await unlessBusy(() => askSomewhere(client.backend, asked));
    expect(answerIn(next.events)).toContain(asked.nonce);
    expect(server().modelCalls(asked.nonce)).toHaveLength(1);
    const remembering = question(next.conversation, `[[tool=Memory]] [[arguments={"command":"view","path":"/"}]]`);
    const events = await all(client.backend.ask(remembering, never));
    expect(events).toContainEqual({ type: "tool", name: "Memory", outcome: "approved" });
    await client.close();
    return asked;
  };

  it("loses the turn of a client that is gone in mid-answer: its half answer is none", async () => {
    const client = await server().client();
    const asked = question(await newConversation(client), "[[tps=20]] [[words=60]]");
    const { rest } = await until(client.backend.ask(asked, never), "text");
    client.crash();
    expect(await rest).toMatchObject({ kind: "unreachable" });
    expect(await afterwards(asked.conversation, asked.otid)).toEqual({ state: "lost" });
    await takesTheNext(asked.conversation);
  });

  it("ends the turn of a client that is gone when no more is heard of it, and takes the next, there or in a branch", async () => {
    const client = await server().client();
    const other = await server().client({ idleTimeoutMs: 5_000 });
    const conversation = await newConversation(client);
    // Somebody listens, so that the turn goes on.
    await other.backend.lookUp(conversation, randomUUID(), never);
    const asked = question(conversation, "[[words=9]] [[stall=4]]");
    const { rest } = await until(client.backend.ask(asked, never), "text");
    client.crash();
    await rest;
    expect(await other.backend.lookUp(conversation, asked.otid, never)).toEqual({ state: "running" });
    expect(await failure(all(other.backend.follow(asked, never)))).toMatchObject({ kind: "cut" });
    expect(await other.backend.lookUp(conversation, asked.otid, never)).toEqual({ state: "lost" });
    const next = question(conversation);
    const { events } = await askSomewhere(other.backend, next);
    expect(answerIn(events)).toContain(next.nonce);
    expect(server().modelCalls(asked.nonce)).toHaveLength(1);
    await other.close();
  });

  it("is held by a turn that was cut off; a branch knows what was said before, and nothing of the half answer", async () => {
    const client = await server().client();
    const conversation = await newConversation(client);
    const first = question(conversation);
    const whole = answerIn(await all(client.backend.ask(first, never)));
    const asked = question(conversation, "[[tps=20]] [[words=60]]");
    const { rest } = await until(client.backend.ask(asked, never), "text");
    client.crash();
    await rest;
    const other = await server().client();
    expect(await failure(all(other.backend.ask(question(conversation), never)))).toMatchObject({ kind: "held" });
    await other.close();
    const next = await takesTheNext(conversation);
    const past = server().past(next.nonce);
    expect(past).toHaveLength(2);
    expect(past[0]).toContain(first.nonce);
    expect(past[1]?.trim()).toBe(whole);
  });

  it("keeps in a branch what a tool had done in the turn that was cut off", async () => {
    const client = await server().client({ toolAllowList: ["Bash"] });
    const asked = question(await newConversation(client), "[[bash=echo it-was-done]] [[tps=20]] [[words=60]]");
    const { rest } = await until(client.backend.ask(asked, never), "text");
    client.crash();
    await rest;
    const next = await takesTheNext(asked.conversation);
    expect(server().past(next.nonce).join("\n")).toContain(asked.nonce);
  });

  it("loses the turn of a client that is gone before the first token", async () => {
    const client = await server().client();
    const asked = question(await newConversation(client), "[[delay=2500]]");
    const { rest } = await until(client.backend.ask(asked, never), "accepted");
    await expect.poll(() => server().modelCalls(asked.nonce).length, { timeout: 10_000 }).toBe(1);
    client.crash();
    expect(await rest).toMatchObject({ kind: "unreachable" });
    expect(await afterwards(asked.conversation, asked.otid)).toEqual({ state: "lost" });
    await takesTheNext(asked.conversation);
  });

  it("loses the turn of a client that is gone while a tool waits for its approval, and never runs the tool", async () => {
    const client = await server().client({ toolAllowList: ["Bash"] });
    const file = join(server().toolFolder, `never-${randomUUID()}`);
    let approve = () => {};
    let gone = false;
    const asked = {
      ...question(await newConversation(client), `[[bash=touch ${file}]]`),
      beforeApproval: () =>
        new Promise<void>((resolve) => {
          approve = resolve;
          client.crash();
          gone = true;
        }),
    };
    const events = all(client.backend.ask(asked, never)).catch((error: unknown) => error);
    await expect.poll(() => gone, { timeout: 15_000 }).toBe(true);
    const fate = await afterwards(asked.conversation, asked.otid);
    expect(fate).toMatchObject({ state: "lost" });
    // Some tell that the call stands in the history; that the tool ran, none may.
    expect(fate).not.toHaveProperty("ranTool");
    approve();
    expect(await events).toMatchObject({ kind: "unreachable" });
    await takesTheNext(asked.conversation);
    expect(existsSync(file)).toBe(false);
  });

  it("keeps whole answers apart from half ones for a client that is gone just after the end", async () => {
    const conversations = await server().client();
    const plain = question(await newConversation(conversations));
    const withTool = question(await newConversation(conversations), "[[bash=true]]");
    const brokenOff = question(await newConversation(conversations), "[[cut=5]] [[words=10]]");
    await conversations.close();
    const [whole, wholeWithTool] = await Promise.all([
      answeredThenGone(plain),
      answeredThenGone(withTool),
      (async () => {
        const client = await server().client();
        const { rest } = await until(client.backend.ask(brokenOff, never), "withdrawn");
        client.crash();
        await rest;
      })(),
    ]);
    const fates = await Promise.all(
      [plain, withTool, brokenOff].map(({ conversation, otid }) => afterwards(conversation, otid)),
    );
    expect(fates).toEqual([
      { state: "answered", text: whole },
      { state: "answered", text: wholeWithTool },
      { state: "lost" },
    ]);
    for (const { conversation } of [plain, withTool, brokenOff]) await takesTheNext(conversation);
  });

  it("keeps what was answered, and loses what was not, when the server is killed; it repeats nothing by itself", async () => {
    const client = await server().client();
    const answered = question(await newConversation(client));
    const early = question(await newConversation(client), "[[delay=20000]]");
    const late = question(await newConversation(client), "[[tps=20]] [[words=200]]");
    const answer = await answeredThenGone(answered);
    await killInMidTurn(server(), client, { answered, early, late }, /letta server/);

    await server().restart();
    const fates = await Promise.all(
      [answered, early, late].map(({ conversation, otid }) => client.backend.lookUp(conversation, otid, never)),
    );
    expect(fates).toEqual([{ state: "answered", text: answer }, { state: "lost" }, { state: "lost" }]);
    for (const { conversation, nonce } of [answered, early, late]) {
      await takesTheNext(conversation);
      expect(server().modelCalls(nonce)).toHaveLength(1);
    }
    await client.close();
  });
}
