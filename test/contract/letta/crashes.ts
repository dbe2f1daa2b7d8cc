import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Conversation, TurnFate } from "../../../src/letta/port.ts";
import { all, answerIn, type Client, failure, never, question, type ServerUnderContract, until } from "./server.ts";

/** Letta holds a receipt back for 30 s that it had handed to a client which has died since. */
const receiptsTakeMs = 45_000;

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

  const takesTheNext = async (conversation: Conversation) => {
    const client = await server().client();
    const asked = question(conversation);
    expect(answerIn(await all(client.backend.ask(asked, never)))).toContain(asked.nonce);
    expect(server().modelCalls(asked.nonce)).toHaveLength(1);
    const remembering = question(conversation, `[[tool=Memory]] [[arguments={"command":"view","path":"/"}]]`);
    const events = await all(client.backend.ask(remembering, never));
    expect(events).toContainEqual({ type: "tool", name: "Memory", outcome: "approved" });
    await client.close();
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

  it("loses the turn of a client that is gone before the first token", async () => {
    const client = await server().client();
    const asked = question(await newConversation(client), "[[delay=2500]]");
    const { rest } = await until(client.backend.ask(asked, never), "accepted");
    await expect.poll(() => server().modelCalls(asked.nonce).length).toBe(1);
    client.crash();
    expect(await rest).toMatchObject({ kind: "unreachable" });
    expect(await afterwards(asked.conversation, asked.otid)).toEqual({ state: "lost" });
    await expect
      .poll(
        () =>
          takesTheNext(asked.conversation).then(
            () => "taken",
            (error: unknown) => Reflect.get(Object(error), "kind"),
          ),
        { timeout: 15_000 },
      )
      .toBe("taken");
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
    expect(await afterwards(asked.conversation, asked.otid)).toEqual({ state: "lost" });
    approve();
    expect(await events).toMatchObject({ kind: "unreachable" });
    await takesTheNext(asked.conversation);
    expect(existsSync(file)).toBe(false);
  });

  it(
    "keeps whole answers apart from half ones for a client that is gone just after the end",
    async () => {
      const client = await server().client();
      const plain = question(await newConversation(client));
      const withTool = question(await newConversation(client), "[[bash=true]]");
      const brokenOff = question(await newConversation(client), "[[cut=5]] [[words=10]]");
      const answers = await Promise.all([plain, withTool].map((asked) => all(client.backend.ask(asked, never))));
      const { rest } = await until(client.backend.ask(brokenOff, never), "withdrawn");
      client.crash();
      await rest;
      const fates = await Promise.all(
        [plain, withTool, brokenOff].map(({ conversation, otid }) => afterwards(conversation, otid)),
      );
      expect(fates).toEqual([
        ...answers.map((events) => ({ state: "answered", text: answerIn(events) })),
        { state: "lost" },
      ]);
      for (const { conversation } of [plain, withTool, brokenOff]) await takesTheNext(conversation);
    },
    receiptsTakeMs + 75_000,
  );

  it(
    "keeps what was answered, and loses what was not, when the server is killed; it repeats nothing by itself",
    async () => {
      const client = await server().client();
      const answered = question(await newConversation(client));
      const early = question(await newConversation(client), "[[delay=20000]]");
      const late = question(await newConversation(client), "[[tps=20]] [[words=200]]");
      const answer = answerIn(await all(client.backend.ask(answered, never)));
      const turns = [
        await until(client.backend.ask(early, never), "accepted"),
        await until(client.backend.ask(late, never), "text"),
      ];
      await expect.poll(() => server().modelCalls(early.nonce).length).toBe(1);
      await server().kill();
      for (const { rest } of turns) expect(await rest).toMatchObject({ kind: "unreachable" });
      const error = await failure(client.backend.lookUp(answered.conversation, answered.otid, never));
      expect(error).toMatchObject({ kind: "unreachable" });
      expect(error.remedy).toMatch(/letta server/);

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
    },
    receiptsTakeMs + 75_000,
  );
}
