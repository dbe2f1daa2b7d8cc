import { expect, it } from "vitest";
import type { ExternalTools, ToolCaller } from "../../../src/letta/port.ts";
import { all, answerIn, type Client, never, question, type ServerUnderContract, until } from "./server.ts";

interface Called {
  readonly caller: ToolCaller;
  readonly name: string;
  readonly input: unknown;
  readonly signal: AbortSignal;
}

/** What agents are given of us, where a server lets them have it. */
export function externalToolsContract(server: () => ServerUnderContract): void {
  const newConversation = async ({ backend }: Client) =>
    await backend.createConversation(await server().newAgent(), never);

  function served(answer: () => Promise<{ text: string; isError: boolean }>) {
    const calls: Called[] = [];
    const tools: ExternalTools = {
      list: [
        {
          name: "look_out",
          description: "Looks out of the window.",
          parameters: { type: "object", properties: { side: { type: "string" } }, additionalProperties: false },
        },
      ],
      call(caller, name, input, signal) {
        calls.push({ caller, name, input, signal });
        return answer();
      },
    };
    return { tools, calls };
  }
  const asking = '[[tool=look_out]] [[arguments={"side":"north"}]]';

  it("has a model call a tool of ours, tells whose call it is, and gives the model what comes of it", async () => {
    const { tools, calls } = served(async () => ({ text: "a grey heron", isError: false }));
    const client = await server().client({ tools });
    const conversation = await newConversation(client);
    const asked = question(conversation, asking);
    const events = await all(client.backend.ask(asked, never));
    expect(server().offeredTools(asked.nonce)).toContain("look_out");
    expect(calls).toMatchObject([
      { name: "look_out", input: { side: "north" }, caller: { ...conversation, otid: asked.otid } },
    ]);
    expect(calls[0]?.caller.toolCallId).not.toBe("");
    expect(answerIn(events)).toContain("The tool said: a grey heron");
    expect(events).toContainEqual({ type: "tool", name: "look_out", outcome: "approved" });
    expect(asked.approvals).toEqual(["look_out"]);
    await client.close();
  });

  it("gives the model what went wrong, and the turn goes on", async () => {
    const { tools } = served(async () => ({ text: "the window is shut", isError: true }));
    const client = await server().client({ tools });
    const events = await all(client.backend.ask(question(await newConversation(client), asking), never));
    expect(answerIn(events)).toContain("the window is shut");
    expect(events.at(-1)).toEqual({ type: "finished", stopReason: "end_turn" });
    await client.close();
  });

  it("asks people of a tool of ours that is on the ask list, and does not run it against their word", async () => {
    const { tools, calls } = served(async () => ({ text: "a grey heron", isError: false }));
    const client = await server().client({ tools, toolAskList: ["look_out"] });
    const asked = {
      ...question(await newConversation(client), asking),
      askPerson: async () => ({ allowed: false, reason: "The curtains stay closed." }),
    };
    expect(answerIn(await all(client.backend.ask(asked, never)))).toContain("The curtains stay closed.");
    expect(calls).toEqual([]);
    await client.close();
  });

  it("tells a tool that is still at work when the turn is over", async () => {
    const slow = Promise.withResolvers<{ text: string; isError: boolean }>();
    const { tools, calls } = served(() => slow.promise);
    const client = await server().client({ tools });
    const asked = question(await newConversation(client), asking);
    const { rest } = await until(client.backend.ask(asked, never), "tool");
    await expect.poll(() => calls.length, { timeout: 10_000 }).toBe(1);
    expect(calls[0]?.signal.aborted).toBe(false);
    client.crash();
    await rest;
    expect(calls[0]?.signal.aborted).toBe(true);
    slow.resolve({ text: "too late", isError: false });
    await client.close();
  });
}
