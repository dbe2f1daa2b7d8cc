import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { afterEach, beforeEach, describe, expect, type Mock, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import type { CommandContext } from "../../src/commands/command.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { Replay } from "../../src/mcp/replay.ts";
import { recordOf } from "../actors/agent-record.ts";
import { agentCalled, installation, server } from "../api/installation.ts";
import { type Served, serve } from "../api/served.ts";
import { startGate, type TcpGate } from "../e2e/tcp-gate.ts";
import { call } from "./clients.ts";

type Answer = Awaited<ReturnType<CommandContext["answers"]["wait"]>>;

describe("what a session's client was told", () => {
  const message = (text: string) => ({ jsonrpc: "2.0" as const, method: "told", params: { text } });
  const textOf = (told: JSONRPCMessage) => z.object({ params: z.object({ text: z.string() }) }).parse(told).params.text;
  const goesOn = async (replay: Replay, last: string) => {
    const sent: [string, JSONRPCMessage][] = [];
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
    await replay.storeEvent("a", message("x".repeat(size * 3)));
    const told = (await goesOn(replay, ids[0] ?? "")).sent.map(([, told]) => textOf(told));
    expect(told).toEqual(["1", "2", "3"]);
    await replay.storeEvent("b", message("4"));
    expect((await goesOn(replay, ids[0] ?? "")).sent).toHaveLength(2);
  });

  test("goes on from an event that is no longer kept itself", async () => {
    const replay = new Replay(200);
    const first = await replay.storeEvent("a", {} as JSONRPCMessage);
    for (let n = 0; n < 20; n += 1) await replay.storeEvent("b", message("another"));
    await replay.storeEvent("a", message("late"));
    expect(await replay.getStreamIdForEventId(first)).toBe("a");
    expect(await goesOn(replay, first)).toMatchObject({ stream: "a", sent: [[expect.any(String), message("late")]] });
  });

  test.each([
    ["too long", 1_000, 0],
    ["too long ago", 10, 20],
  ])("says of an answer that was %s to be kept that it is to be asked for again", async (_, length, others) => {
    const replay = new Replay(500);
    const first = await replay.storeEvent("a", message("begun"));
    const last = await replay.storeEvent("a", { jsonrpc: "2.0", id: 7, result: { text: "x".repeat(length) } });
    for (let n = 0; n < others; n += 1) await replay.storeEvent("b", message("another"));
    const error = { code: expect.any(Number), message: expect.stringContaining("ask again") };
    expect((await goesOn(replay, first)).sent).toEqual([[last, { jsonrpc: "2.0", id: 7, error }]]);
    expect((await goesOn(replay, last)).sent).toEqual([]);
  });

  test("is of no stream that a client has made up", async () => {
    const replay = new Replay();
    await replay.storeEvent("a", message("1"));
    for (const id of ["", "1", "a", "~a", "1~", "x~a"])
      expect(await replay.getStreamIdForEventId(id), id).toBeUndefined();
    expect((await goesOn(replay, "1~b")).sent).toEqual([]);
  });
});

describe("a client of 2025 whose connections are cut", () => {
  const agent = "letta-matrix://agents/agent-1";
  let answered: PromiseWithResolvers<Answer>;
  let wait: Mock<() => Promise<Answer>>;
  let served: Served;
  let gate: TcpGate;

  beforeEach(async () => {
    answered = Promise.withResolvers();
    wait = vi.fn(() => answered.promise);
    // A list of them is far longer than what is kept of a session.
    const many = Array.from({ length: 500 }, (_, n) => agentCalled(`Alder ${n} ${"x".repeat(500)}`, `agent-a${n}`));
    const all = installation([agentCalled("Scout", "agent-1"), agentCalled("Muse", "agent-2"), ...many]);
    served = await serve({ mcp: true, context: { ...all, answers: { wait } } });
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
  const connected = async () => {
    const client = new Client({ name: "test", version: "1" });
    await client.connect(await transport());
    onTestFinished(() => client.close());
    return client;
  };
  /** Gives the answer's promise once the agent is asked, and the client knows where to go on. */
  const asking = async (client: Client) => {
    const question = { agent: "Muse", message: "hello", from_agent: "Scout", wait_seconds: 60 };
    const begun = vi.fn();
    const request = { name: "send_message_to_agent", arguments: question };
    const answer = client.callTool(request, undefined, { onresumptiontoken: begun });
    await expect.poll(() => wait).toHaveBeenCalled();
    await expect.poll(() => begun).toHaveBeenCalled();
    return { answer };
  };
  const listAll = async (client: Client) => {
    for (let n = 0; n < 3; n += 1) await call(client, "list_agents", { limit: 500 });
  };

  test.each([
    ["nothing else was asked meanwhile", async () => undefined],
    ["long lists were asked for meanwhile", listAll],
  ])("gets the answer that it waits for, and the agent is asked once, where %s", async (_, meanwhile) => {
    const client = await connected();
    const { answer } = await asking(client);
    await meanwhile(client);
    gate.cut();
    answered.resolve({ outcome: "answer", text: "here I am" });
    expect((await answer).structuredContent).toMatchObject({ state: "answered", answer: { text: "here I am" } });
    expect(wait).toHaveBeenCalledOnce();
  });

  test.each([
    ["nothing else was asked", async () => undefined],
    ["long lists were asked for", listAll],
  ])("hears of what it follows again, of what has changed meanwhile, too, where %s", async (_, meanwhile) => {
    const client = await connected();
    const told: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.push(params.uri));
    await client.subscribeResource({ uri: agent });
    const isToldOf = (times: number) =>
      vi.waitFor(
        () => {
          served.clock.advance(1_000);
          expect(told).toEqual(Array.from({ length: times }, () => agent));
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
    await meanwhile(client);
    gate.cut();
    step();
    await isToldOf(2);
  });
});
