import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { ToolCall } from "../../../src/letta/port.ts";
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

export function toolsContract(server: () => ServerUnderContract): void {
  const newConversation = async ({ backend }: Client) =>
    await backend.createConversation(await server().newAgent(), never);

  it("runs no command that the model calls for, and the turn still ends with an answer", async () => {
    const client = await server().client();
    const file = join(server().toolFolder, "made-by-the-model");
    const asked = question(await newConversation(client), `[[bash=touch ${file}]]`);
    const events = await all(client.backend.ask(asked, never));
    expect(events).toContainEqual({ type: "tool", name: "Bash", outcome: "denied" });
    expect(events.at(-1)).toEqual({ type: "finished", stopReason: "end_turn" });
    expect(answerIn(events)).toContain("The tool said: The tool Bash is not allowed here.");
    expect(existsSync(file)).toBe(false);
    expect(asked.approvals).toEqual([]);
    expect(await client.backend.lookUp(asked.conversation, asked.otid, never)).toMatchObject({ state: "answered" });
    await client.close();
  });

  it("offers the model nothing but memory and what the operator named", async () => {
    const client = await server().client({ toolAllowList: ["Read"] });
    const asked = question(await newConversation(client));
    await all(client.backend.ask(asked, never));
    expect([...server().offeredTools(asked.nonce)].sort()).toEqual(["Memory", "Read"]);
    await client.close();
  });

  it("lets an agent use its memory, once that is written down", async () => {
    const client = await server().client();
    const conversation = await newConversation(client);
    const asked = question(conversation, `[[tool=Memory]] [[arguments={"command":"view","path":"/"}]]`);
    const events = await all(client.backend.ask(asked, never));
    expect(events).toContainEqual({ type: "tool", name: "Memory", outcome: "approved" });
    expect(asked.approvals).toEqual(["Memory"]);
    const next = question(conversation);
    expect(answerIn(await all(client.backend.ask(next, never)))).toContain(next.nonce);
    await client.close();
  });

  it("runs a tool that the operator named only after its approval is written down", async () => {
    const client = await server().client({ toolAllowList: ["Bash"] });
    const file = join(server().toolFolder, "made-as-allowed");
    let thereBefore: boolean | undefined;
    const asked = {
      ...question(await newConversation(client), `[[bash=touch ${file}]]`),
      beforeApproval: async () => {
        thereBefore = existsSync(file);
      },
    };
    const events = await all(client.backend.ask(asked, never));
    expect(events).toContainEqual({ type: "tool", name: "Bash", outcome: "approved" });
    expect(thereBefore).toBe(false);
    expect(existsSync(file)).toBe(true);
    await client.close();
  });

  it("does not run a tool whose approval cannot be written down", async () => {
    const client = await server().client({ toolAllowList: ["Bash"] });
    const file = join(server().toolFolder, "made-without-a-note");
    const asked = {
      ...question(await newConversation(client), `[[bash=touch ${file}]]`),
      beforeApproval: () => Promise.reject(new Error("the disk is full")),
    };
    const events = await all(client.backend.ask(asked, never));
    expect(events).toContainEqual({ type: "tool", name: "Bash", outcome: "denied" });
    expect(existsSync(file)).toBe(false);
    await client.close();
  });

  it.each([
    [true, "approved"],
    [false, "denied"],
  ] as const)(
    "asks a person about a tool that is to be asked about, and waits longer than for a model (%s)",
    async (allowed, outcome) => {
      const client = await server().client({ toolAskList: ["Bash"], idleTimeoutMs: 3_000 });
      const file = join(server().toolFolder, `made-when-${outcome}`);
      const calls: ToolCall[] = [];
      let thereBefore: boolean | undefined;
      const asked = {
        ...question(await newConversation(client), `[[bash=touch ${file}]]`),
        async askPerson(call: ToolCall) {
          calls.push(call);
          await new Promise((resolve) => setTimeout(resolve, 4_500 / (server().haste ?? 1)));
          thereBefore = existsSync(file);
          return { allowed, reason: "Anna wants it so." };
        },
      };
      const events = await all(client.backend.ask(asked, never));
      expect(calls).toMatchObject([{ name: "Bash", input: { command: `touch ${file}` } }]);
      expect(events).toContainEqual({ type: "tool", name: "Bash", outcome });
      expect(thereBefore).toBe(false);
      expect(existsSync(file)).toBe(allowed);
      if (!allowed) expect(answerIn(events)).toContain("Anna wants it so.");
      expect(asked.approvals).toEqual(allowed ? ["Bash"] : []);
      expect(server().offeredTools(asked.nonce)).toContain("Bash");
      await client.close();
    },
  );

  it("ends a turn that is cancelled while a person is asked, runs nothing, and takes the next message", async () => {
    const client = await server().client({ toolAskList: ["Bash"] });
    const file = join(server().toolFolder, "made-after-the-end");
    const conversation = await newConversation(client);
    const wanted = Promise.withResolvers<AbortSignal>();
    const asked = {
      ...question(conversation, `[[bash=touch ${file}]]`),
      async askPerson(_call: ToolCall, over: AbortSignal) {
        wanted.resolve(over);
        await new Promise((resolve) => over.addEventListener("abort", resolve));
        return { allowed: true, reason: "Too late." };
      },
    };
    const ended = failure(all(client.backend.ask(asked, never)));
    const over = await wanted.promise;
    await client.backend.cancel(conversation, asked.otid, never);
    await ended;
    expect(over.aborted).toBe(true);
    const next = question(conversation);
    const { events } = await askSomewhere(client.backend, next);
    expect(answerIn(events)).toContain(`nonce=${next.nonce}`);
    expect(existsSync(file)).toBe(false);
    await client.close();
  });

  it("tells who asks after a crash in the middle of such a question what became of it, and runs nothing", async () => {
    const crashing = await server().client({ toolAskList: ["Bash"] });
    const file = join(server().toolFolder, "made-after-a-crash");
    const conversation = await newConversation(crashing);
    const wanted = Promise.withResolvers<void>();
    const asked = {
      ...question(conversation, `[[bash=touch ${file}]]`),
      async askPerson() {
        wanted.resolve();
        return await new Promise<never>(() => undefined);
      },
    };
    all(crashing.backend.ask(asked, never)).catch(() => undefined);
    await wanted.promise;
    crashing.crash();
    const client = await server().client({ toolAskList: ["Bash"] });
    const lookUp = () => client.backend.lookUp(conversation, asked.otid, never);
    await expect.poll(lookUp, { timeout: 20_000 }).toMatchObject({ state: "lost" });
    // Some tell that the call stands in the history; that the tool ran, none may.
    expect(await lookUp()).not.toHaveProperty("ranTool");
    const next = question(conversation);
    const { events } = await askSomewhere(client.backend, next);
    expect(answerIn(events)).toContain(`nonce=${next.nonce}`);
    expect(existsSync(file)).toBe(false);
    await client.close();
  });
}
