import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { scopes } from "../../src/commands/access/principal.ts";
import type { CommandContext } from "../../src/commands/command.ts";
import { installation } from "../api/installation.ts";
import { type Served, serve } from "../api/served.ts";
import { generations, type Tools } from "./clients.ts";

/** A client that waits for an agent's answer. */

type Wait = CommandContext["answers"]["wait"];

let served: Served;
let client: Tools;
/** The agent that is asked: what it has written so far, and its answer. */
let agent: { writes(text: string): void; answers(text: string): void } | undefined;
let given: string[];

beforeEach(async () => {
  agent = undefined;
  given = [];
  const wait: Wait = (_, __, signal, onDraft) =>
    new Promise((resolve, reject) => {
      agent = {
        writes: (text) => onDraft?.(text),
        answers: (text) => resolve({ outcome: "answer", text }),
      };
      signal.addEventListener("abort", () => {
        given.push("up");
        reject(signal.reason);
      });
    });
  served = await serve({ mcp: true, context: { ...installation(), answers: { wait } } });
});

afterEach(async () => {
  await client.close().catch(() => undefined);
  await served.stop();
});

const question = {
  name: "send_message_to_agent",
  arguments: { agent: "Muse", message: "hello", from_agent: "Scout", wait_seconds: 60 },
};

describe.each(generations)("a client %s", (_, connect) => {
  beforeEach(async () => {
    const authorization = `Bearer ${await served.tokenFor(scopes)}`;
    client = await connect(new URL(`http://127.0.0.1:${served.port}/mcp`), { authorization });
  });

  const ask = async () => {
    const told: (string | undefined)[] = [];
    const stopped = new AbortController();
    const onprogress = ({ message }: { message?: string | undefined }) => void told.push(message);
    const answer = client.callFollowed(question, { signal: stopped.signal, onprogress });
    const over = answer.then(
      () => "answered",
      () => "given up",
    );
    await expect.poll(() => [agent !== undefined, told.length]).toEqual([true, 1]);
    return { answer, over, told, stopped };
  };

  test("is told every ten seconds that it is still under way, and how much there is of the answer", async () => {
    const { answer, told } = await ask();
    agent?.writes("It");
    agent?.writes("It is raining");
    served.clock.advance(9_999);
    served.clock.advance(1);
    await expect.poll(() => told).toHaveLength(2);
    served.clock.advance(10_000);
    await expect.poll(() => told).toHaveLength(3);
    agent?.answers("It is raining.");
    expect(await answer).toMatchObject({ structuredContent: { answer: { text: "It is raining." } } });
    expect(told).toEqual([
      "waiting for Muse",
      "Muse has written 13 characters so far",
      "Muse has written 13 characters so far",
    ]);
    const { pending } = served.clock;
    served.clock.advance(10_000);
    expect(served.clock.pending).toBe(pending);
  });

  test("may give up: then nobody waits any more, and that is no error here", async () => {
    const { over, stopped, told } = await ask();
    stopped.abort("no more");
    expect(await over).toBe("given up");
    await expect.poll(() => given).toEqual(["up"]);
    served.clock.advance(60_000);
    await served.ask("GET", "/health/live");
    expect([told.length, served.logged]).toEqual([1, []]);
  });

  test("loses the call with its token, and that is no error here either", async () => {
    const { over } = await ask();
    for (const { id } of served.tokens.list()) await served.tokens.revoke(id);
    await expect.poll(() => given).toEqual(["up"]);
    await client.close();
    expect(await over).toBe("given up");
    await served.ask("GET", "/health/live");
    expect(served.logged).toEqual([]);
  });
});
