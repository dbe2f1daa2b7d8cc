import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { all, answerIn, type Client, never, question, type ServerUnderContract } from "./server.ts";

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
}
