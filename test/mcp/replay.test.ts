import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CommandContext } from "../../src/commands/command.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { Replay } from "../../src/mcp/replay.ts";
import { recordOf } from "../actors/agent-record.ts";
import { server } from "../api/installation.ts";
import { type Served, serve } from "../api/served.ts";
import { startGate, type TcpGate } from "../e2e/tcp-gate.ts";
import { call } from "./clients.ts";
import { followerOf2025 } from "./followers.ts";

type Answer = Awaited<ReturnType<CommandContext["answers"]["wait"]>>;

describe("what a session's client was told", () => {
  const message = (text: string) => ({ jsonrpc: "2.0" as const, method: "told", params: { text } });
  const goesOn = async (replay: Replay, last: string) => {
    const sent: unknown[] = [];
    const stream = await replay.replayEventsAfter(last, { send: async (id, told) => void sent.push([id, told]) });
    return { stream, sent };
  };

  test("is told again from where its stream was cut, and of that stream only", async () => {
    const replay = new Replay();
    const ids: string[] = [];
    for (const [stream, text] of [
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
      ["a", "4"],
    ] as const)
      ids.push(await replay.storeEvent(stream, message(text)));
    expect(new Set(ids).size).toBe(4);
    const [first = "", second = "", third, fourth] = ids;
    expect(await goesOn(replay, first)).toEqual({
      stream: "a",
      sent: [
        [third, message("3")],
        [fourth, message("4")],
      ],
    });
    expect(await goesOn(replay, second)).toEqual({ stream: "b", sent: [] });
  });

  test("goes, oldest first, when it is too much, and what is too long by itself is not kept at all", async () => {
    const size = JSON.stringify(message("0")).length;
    const replay = new Replay(size * 3);
    const ids: string[] = [];
    for (const text of ["0", "1", "2", "3"]) ids.push(await replay.storeEvent("a", message(text)));
    const long = await replay.storeEvent("a", message("x".repeat(size * 3)));
    const [gone = "", kept = ""] = ids;
    expect(await replay.getStreamIdForEventId(gone)).toBeUndefined();
    await expect(goesOn(replay, gone)).rejects.toThrow("no longer kept");
    expect((await goesOn(replay, kept)).sent).toHaveLength(2);
    expect(await replay.getStreamIdForEventId(long)).toBeUndefined();
  });
});

describe("a client of 2025 whose connections are cut", () => {
  const answered = Promise.withResolvers<Answer>();
  const wait = vi.fn(() => answered.promise);
  let served: Served;
  let gate: TcpGate;

  beforeEach(async () => {
    served = await serve({ mcp: true, context: { answers: { wait } } });
    gate = await startGate(served.port);
  });

  afterEach(async () => {
    await gate.close();
    await served.stop();
  });

  const transport = async () => {
    const headers = { authorization: `Bearer ${await served.tokenFor(["agents:message", "agents:read"])}` };
    return new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${gate.port}/mcp`), {
      requestInit: { headers },
    });
  };

  test("gets the answer that it waits for, and the agent is asked once", async () => {
    const client = new Client({ name: "test", version: "1" });
    await client.connect(await transport());
    const asking = { agent: "Muse", message: "hello", from_agent: "Scout", wait_seconds: 60 };
    const waiting = call(client, "send_message_to_agent", asking);
    await vi.waitFor(() => expect(wait).toHaveBeenCalled());
    gate.cut();
    answered.resolve({ outcome: "answer", text: "here I am" });
    expect((await waiting).structuredContent).toMatchObject({ state: "answered", answer: { text: "here I am" } });
    expect(wait).toHaveBeenCalledOnce();
    await client.close();
  });

  test("hears of what it follows again, of what has changed meanwhile, too", async () => {
    const follower = await followerOf2025(await transport());
    const agent = "letta-matrix://agents/agent-1";
    await follower.follow([agent]);
    const isToldOf = (times: number) =>
      vi.waitFor(
        () => {
          served.clock.advance(1_000);
          expect(follower.told.filter((uri) => uri === agent)).toHaveLength(times);
        },
        { timeout: 10_000, interval: 20 },
      );
    const step = () => {
      const record = recordOf({ id: addressOf.agent(server, "agent-1"), machine: "agent", value: "ready" });
      served.stepped({
        record,
        line: { revision: 1, at: 0, event: "POLLED", to: "ready", effects: [], handled: true },
      });
    };
    step();
    await isToldOf(1);
    gate.cut();
    step();
    await isToldOf(2);
    await follower.close();
  });
});
