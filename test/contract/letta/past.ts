import { expect, it } from "vitest";
import { all, answerIn, never, question, type ServerUnderContract } from "./server.ts";

export function pastContract(server: () => ServerUnderContract): void {
  it("gives what was said in the agent's own conversation, and not in others", async () => {
    const agentId = await server().newAgent();
    const { backend, close } = await server().client();
    const own = { agentId, conversationId: "default" };
    const answers: string[] = [];
    const asked = [question(own), question(own)];
    for (const one of asked) answers.push(answerIn(await all(backend.ask(one, never))));
    const other = question(await backend.createConversation(agentId, never));
    await all(backend.ask(other, never));

    const past = await backend.history(agentId, 15, never);
    expect(past.map(({ speaker }) => speaker)).toEqual(["user", "agent", "user", "agent"]);
    const texts = past.map(({ text }) => text);
    expect(texts[0]).toContain(asked[0]?.nonce);
    expect([texts[1], texts[3]]).toEqual(answers);
    expect(texts.join()).not.toContain(other.nonce);
    expect(texts.join()).not.toContain("system-reminder");
    expect(new Set(past.map(({ id }) => id)).size).toBe(4);

    expect(await backend.history(agentId, 2, never)).toEqual(past.slice(2));
    expect(await backend.history(agentId, 0, never)).toEqual([]);
    await close();
  });

  it("names the same words the same after a restart of Letta", async () => {
    const agentId = await server().newAgent();
    const first = await server().client();
    await all(first.backend.ask(question({ agentId, conversationId: "default" }), never));
    const before = await first.backend.history(agentId, 15, never);
    await first.close();
    await server().restart();
    const second = await server().client();
    expect(await second.backend.history(agentId, 15, never)).toEqual(before);
    await second.close();
  });

  it("gives nothing of an agent that nobody has talked to", async () => {
    const agentId = await server().newAgent();
    const { backend, close } = await server().client();
    expect(await backend.history(agentId, 15, never)).toEqual([]);
    await close();
  });
}
