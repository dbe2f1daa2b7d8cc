import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Agent, createAgent, createAgents, createConversation, deleteAgent } from "./letta-agents.ts";
import { openLettaSocket } from "./letta-socket.ts";
import { askAgent } from "./letta-turn.ts";
import { directed, readAnswer } from "./model-plan.ts";
import { type Stack, startStack } from "./stack.ts";

describe("a real Letta with the stand-in model, beside a real Synapse", { timeout: 60_000 }, () => {
  let dir: string;
  let stack: Stack;
  let agent: Agent;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "stack-"));
    stack = await startStack({ dir, rateLimits: "lifted" });
    agent = await createAgent(stack.letta.url, {
      name: "Scout One",
      model: stack.letta.modelHandle,
      persona: "I am Scout One. SECRET-WORD: plum",
    });
  }, 300_000);

  afterAll(async () => {
    await stack?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("is ready", async () => {
    expect((await fetch(`${stack.letta.httpUrl}/readyz`)).status).toBe(200);
    expect((await fetch(`${stack.synapse.baseUrl}/_matrix/client/versions`)).status).toBe(200);
  });

  it("answers with the nonce of the last question and the word of that agent's memory", async () => {
    const first = await askAgent(stack.letta.url, agent.id, "Hello [[nonce=n1]]");
    const second = await askAgent(stack.letta.url, agent.id, "Hello again [[nonce=n2]] [[words=3]]");
    expect(readAnswer(first.text)).toEqual({ nonce: "n1", secretWord: "plum" });
    expect(readAnswer(second.text)).toEqual({ nonce: "n2", secretWord: "plum" });
    expect(second.text).toContain("You asked: Hello again w1 w2 w3");
    expect(second.stopReason).toBe("end_turn");
    expect(stack.model.calls().map((call) => call.nonce)).toEqual(["n1", "n2"]);
  });

  it("answers many agents at once, each with its own memory, but only one in a conversation named default", async () => {
    const words = ["fig", "lime", "pear", "kiwi"];
    const { url, modelHandle } = stack.letta;
    const agents = await createAgents(
      url,
      words.map((word) => ({ name: word, model: modelHandle, persona: `SECRET-WORD: ${word}` })),
    );
    const created = await Promise.all(
      agents.map(async ({ id }, index) => {
        const conversationId = await createConversation(url, id);
        return askAgent(url, id, `Hello [[nonce=m${index}]] [[delay=200]]`, { conversationId });
      }),
    );
    expect(created.map(({ text }) => readAnswer(text))).toEqual(
      words.map((secretWord, index) => ({ nonce: `m${index}`, secretWord })),
    );
    // Letta's local backend knows running turns by the conversation's id alone, and `default` is every agent's.
    let refusals = 0;
    stack.model.behave((request) => ({ tokens: onceRefused(directed(request).text), tokensPerSecond: 20 }));
    const shared = await Promise.all(
      agents.map(async ({ id }, index) => {
        const turn = await askAgent(url, id, `Hello [[nonce=d${index}]]`);
        if (turn.stopReason === "error") refusals += 1;
        return turn;
      }),
    );
    stack.model.behave();
    function* onceRefused(text = ""): Generator<string> {
      while (refusals < agents.length - 1) yield "";
      yield text;
    }
    const refused = shared.filter(({ stopReason }) => stopReason === "error");
    expect(shared.length - refused.length).toBe(1);
    expect(refused[0]?.error).toContain("Conversation default already has an active run");
    for (const { id } of agents) await deleteAgent(url, id);
  });

  it("streams an answer while the model still writes it", async () => {
    const { pieces } = await askAgent(stack.letta.url, agent.id, "[[nonce=slow]] [[say=a b c d e f g h]] [[tps=20]]");
    expect(pieces).toBeGreaterThanOrEqual(4);
  });

  it("runs a command for its model where the runtime is left unrestricted, and not where it is strict", async () => {
    const made = async (name: string) => (await readdir(stack.letta.workDir)).includes(name);
    const open = await askAgent(stack.letta.url, agent.id, "[[nonce=b1]] [[bash=touch ran && echo done]]", {
      mode: "unrestricted",
    });
    expect(open.text).toContain("The tool said: done");
    expect(await made("ran")).toBe(true);
    const strict = await askAgent(stack.letta.url, agent.id, "[[nonce=b2]] [[bash=touch must-not-run]]");
    expect(await made("must-not-run")).toBe(false);
    expect(readAnswer(strict.text).nonce).toBe("b2");
  });

  it("knows its agents, conversations and model after kill -9", async () => {
    const { pid } = stack.letta;
    await stack.letta.kill("SIGKILL");
    await expect(openLettaSocket(stack.letta.url)).rejects.toThrow("no connection to Letta");
    await stack.letta.restart();
    expect(stack.letta.pid).not.toBe(pid);
    const socket = await openLettaSocket(stack.letta.url);
    const agentSchema = z.object({ id: z.string(), name: z.string() });
    const { agents } = await socket.request({ type: "agent_list" }, z.object({ agents: z.array(agentSchema) }));
    socket.close();
    expect(agents).toEqual([agent]);
    const turn = await askAgent(stack.letta.url, agent.id, "Still there? [[nonce=n3]]");
    expect(readAnswer(turn.text)).toEqual({ nonce: "n3", secretWord: "plum" });
  });
});
