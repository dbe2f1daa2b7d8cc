import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppServerBackend } from "../../../src/letta/app-server/backend.ts";
import type { TurnEvent, TurnRequest } from "../../../src/letta/port.ts";
import { type Answering, agreeable, type FakeServer, startFakeServer } from "./fake-server.ts";
import { ManualTimer } from "./manual-timer.ts";

const never = new AbortController().signal;
const conversation = { agentId: "agent-1", conversationId: "conversation-1" };
const runtime = { agent_id: "agent-1", conversation_id: "conversation-1" };
const request: TurnRequest = { conversation, otid: "otid-1", text: "Hello", beforeApproval: async () => {} };

const text = (id: string, words: string, more = {}) => ({
  type: "stream_delta",
  runtime,
  delta: { message_type: "assistant_message", id, content: [{ type: "text", text: words }], ...more },
});
const delta = (fields: object) => ({ type: "stream_delta", runtime, delta: fields });
const finished = (stop_reason: string, more = {}) => ({
  type: "turn_finished",
  runtime,
  stop_reason,
  terminal_consumer_ids: ["otid-1"],
  idempotency_key: "turn_finished:1",
  ...more,
});

describe("the App Server adapter, on a server that misbehaves", () => {
  let server: FakeServer;
  let timer: ManualTimer;
  let backend: AppServerBackend;

  const begin = async (
    answering: Answering = agreeable,
    options: { readonly maxFrameBytes?: number; readonly pingEveryMs?: number } = {},
  ) => {
    server = await startFakeServer(answering);
    backend = new AppServerBackend({
      url: server.url,
      toolAllowList: ["Lamp"],
      idleTimeoutMs: 60_000,
      replyWithinMs: 30_000,
      pingEveryMs: 15_000,
      startTimer: timer.start,
      ...options,
    });
  };

  /** Asks, and gives what comes of it. */
  const asking = async (asked: TurnRequest = request, signal = never) => {
    const events: TurnEvent[] = [];
    const end = (async () => {
      for await (const event of backend.ask(asked, signal)) events.push(event);
    })().then(
      () => "ended",
      (error: unknown) => error,
    );
    await server.next("input");
    await expect.poll(() => events.length).toBe(1);
    return { events, end };
  };

  beforeEach(() => {
    timer = new ManualTimer();
  });
  afterEach(async () => {
    server.drop();
    await backend.close();
    await server.close();
  });

  it("lets broken, mistyped, unknown and binary frames pass, and the turn goes on", async () => {
    await begin();
    const { events, end } = await asking();
    server.send(text("m1", "one "));
    for (const bad of ['{"type":"stream_delta', "[]", "null", "42", '"text"', "", '{"type":7}', '{"no":"type"}'])
      server.send(bad);
    server.send(Buffer.from([0, 1, 2, 255]));
    server.send({ type: "of-the-future", runtime, request_id: 5 });
    server.send({ type: "stream_delta", runtime, delta: "text" });
    server.send({ type: "stream_delta", runtime: { agent_id: 7 }, delta: { message_type: "assistant_message" } });
    server.send({ type: "update_loop_status", runtime, loop_status: null });
    server.send({ type: "turn_finished", runtime });
    server.send({ type: "control_request", runtime, request_id: 1, request: {} });
    server.send(delta({ message_type: "assistant_message", id: 3, content: { text: "no" } }));
    server.send(delta({ message_type: "assistant_message", id: "m1", content: [{ type: "image" }, 4] }));
    server.send(delta({ message_type: "of_the_future", content: "no" }));
    server.send(text("m1", "two"));
    server.send(finished("end_turn"));
    expect(await end).toBe("ended");
    expect(events).toEqual([
      { type: "accepted" },
      { type: "text", messageId: "m1", delta: "one " },
      { type: "text", messageId: "m1", delta: "two" },
      { type: "finished", stopReason: "end_turn" },
    ]);
    expect(backend.ignoredFrames).toMatchObject({ unreadable: 6, mistyped: 8, uninteresting: 1 });
  });

  it("does not read a huge frame, and the turn goes on", async () => {
    await begin(agreeable, { maxFrameBytes: 10_000 });
    const { events, end } = await asking();
    server.send(text("m1", "x".repeat(20_000)));
    server.send(text("m1", "short"));
    server.send(finished("end_turn"));
    expect(await end).toBe("ended");
    expect(events).toContainEqual({ type: "text", messageId: "m1", delta: "short" });
    expect(backend.ignoredFrames.oversized).toBe(1);
  });

  it("gives up the connection over a frame that would fill the memory, and opens another", async () => {
    await begin(agreeable, { maxFrameBytes: 10_000 });
    const { end } = await asking();
    server.send(text("m1", "x".repeat(50_000)));
    expect(await end).toMatchObject({ name: "LettaError", kind: "unreachable" });
    expect(await backend.lookUp(conversation, "otid-2", never)).toEqual({ state: "unknown" });
  });

  it("keeps frames of other runtimes out of a turn", async () => {
    await begin();
    const { events, end } = await asking();
    const other = { agent_id: "agent-1", conversation_id: "conversation-2" };
    server.send({ ...text("m9", "not ours"), runtime: other });
    server.send({ ...finished("end_turn"), runtime: other });
    server.send({
      type: "control_request",
      runtime: other,
      request_id: "r",
      request: { subtype: "can_use_tool", tool_name: "Lamp" },
    });
    server.send(text("m1", "ours"));
    server.send(finished("end_turn"));
    expect(await end).toBe("ended");
    expect(events.filter(({ type }) => type === "text")).toEqual([{ type: "text", messageId: "m1", delta: "ours" }]);
    expect(server.received.filter(({ type }) => type === "input")).toHaveLength(1);
  });

  it("asks strictly: memory and the named tools, nothing interactive, no id that Letta would repeat the input by", async () => {
    await begin();
    const { end } = await asking();
    server.send(finished("end_turn"));
    await end;
    const [start] = server.received.filter(({ type }) => type === "runtime_start");
    expect(start).toMatchObject({ ...runtime, mode: "strict", recover_approvals: false });
    expect(server.received.find(({ type }) => type === "input")).toMatchObject({
      runtime,
      terminal_consumer_id: "otid-1",
      payload: {
        kind: "create_message",
        messages: [{ role: "user", content: "Hello", otid: "otid-1" }],
        client_tool_allowlist: ["Memory", "Lamp"],
        exclude_interactive_tools: true,
      },
    });
    expect(JSON.stringify(server.received)).not.toContain("client_message_id");
  });

  it.each([
    ["Lamp", { behavior: "allow" }, "approved"],
    ["Memory", { behavior: "allow" }, "approved"],
    ["Bash", { behavior: "deny", message: expect.stringContaining("Bash is not allowed") }, "denied"],
    ["", { behavior: "deny", message: expect.any(String) }, "denied"],
  ])("answers a request to use the tool '%s'", async (tool_name, decision, outcome) => {
    await begin();
    const { events, end } = await asking();
    server.send({
      type: "control_request",
      runtime,
      request_id: "perm-1",
      request: { subtype: "can_use_tool", tool_name },
    });
    expect(await server.next("input")).toMatchObject({
      payload: { kind: "approval_response", request_id: "perm-1", decision },
    });
    server.send(finished("end_turn"));
    await end;
    expect(events).toContainEqual({ type: "tool", name: tool_name, outcome });
  });

  it("withdraws what a failed run wrote when it is repeated, and nothing of the runs before", async () => {
    await begin();
    const { events, end } = await asking();
    server.send(text("m1", "kept", { run_id: "run-1" }));
    server.send(text("m2", "half", { run_id: "run-2" }));
    server.send(delta({ message_type: "error_message", message: "terminated" }));
    server.send(delta({ message_type: "retry", run_id: "run-2" }));
    server.send(text("m3", "whole", { run_id: "run-3" }));
    server.send(finished("end_turn"));
    await end;
    expect(events.filter(({ type }) => type === "withdrawn")).toEqual([{ type: "withdrawn", messageId: "m2" }]);
  });

  it("fails with the model's own words when the turn ends in an error", async () => {
    await begin();
    const { end } = await asking();
    server.send(delta({ message_type: "error_message", message: '401: {\\"message\\":\\"no such key\\"}' }));
    server.send(finished("error", { error: "wrapped" }));
    expect(await end).toMatchObject({ kind: "failed", message: "no such key", remedy: expect.stringMatching(/key/) });
  });

  it("takes the model's end for the turn's when Letta does not confirm it", async () => {
    await begin();
    const { events, end } = await asking();
    server.send(text("m1", "all"));
    server.send(delta({ message_type: "stop_reason", stop_reason: "end_turn" }));
    await expect.poll(() => events.length).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    await expect.poll(() => timer.advance(5_000) ?? events.at(-1)?.type).toBe("finished");
    expect(await end).toBe("ended");
  });

  it("is silent after the idle time-out, counted from the last frame of any kind", async () => {
    await begin(agreeable, { pingEveryMs: 3_600_000 });
    const { events, end } = await asking();
    const bySilence = end.then((error) => ({ error, seen: events.length }));
    timer.advance(59_999);
    server.send(text("m1", "still here"));
    await expect.poll(() => events.length).toBe(2);
    timer.advance(59_999);
    server.send(delta({ message_type: "reasoning_message", reasoning: "hm" }));
    await backend.lookUp({ ...conversation, conversationId: "other" }, "otid-2", never);
    timer.advance(59_999);
    server.send(text("m1", "and here"));
    await expect.poll(() => events.length).toBe(3);
    timer.advance(60_000);
    expect(await bySilence).toMatchObject({ error: { kind: "silent" }, seen: 3 });
    expect(await backend.lookUp(conversation, "otid-1", never)).toEqual({ state: "running" });
  });

  it("is unreachable when the connection is cut, and works again by itself", async () => {
    await begin();
    const { end } = await asking();
    server.drop();
    expect(await end).toMatchObject({ kind: "unreachable" });
    const again = await asking({ ...request, otid: "otid-2" });
    server.send(finished("end_turn", { terminal_consumer_ids: ["otid-2"] }));
    expect(await again.end).toBe("ended");
  });

  it("is unreachable when no reply comes in time", async () => {
    await begin(() => undefined);
    const listing = backend.listAgents(never)[Symbol.asyncIterator]().next();
    await server.next("agent_list");
    timer.advance(30_000);
    await expect(listing).rejects.toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("agent_list"),
    });
  });

  it("gives up a connection on which nothing is heard any more", async () => {
    await begin(() => undefined);
    const listing = backend.listAgents(never)[Symbol.asyncIterator]().next();
    await server.next("agent_list");
    // The pongs of the first beat cannot arrive before the second, as no real time passes in between.
    timer.advance(15_000);
    timer.advance(14_999);
    timer.advance(1);
    await expect(listing).rejects.toMatchObject({ kind: "unreachable" });
  });

  it("says that a reply cannot be read", async () => {
    await begin((command) => ({ type: `${command.type}_response`, success: true, agents: "none" }));
    const listing = backend.listAgents(never)[Symbol.asyncIterator]().next();
    await expect(listing).rejects.toMatchObject({ kind: "malformed" });
  });

  it("is busy, and sends nothing, while a turn of somebody else runs", async () => {
    await begin((command) => {
      // Told to whoever takes part, before that is confirmed.
      if (command.type === "runtime_start") {
        server.send({ type: "update_loop_status", runtime, loop_status: { status: "PROCESSING_API_RESPONSE" } });
      }
      return agreeable(command);
    });
    const fate = backend.lookUp(conversation, "otid-1", never);
    await expect(fate).rejects.toMatchObject({ kind: "busy" });
    const turn = backend.ask(request, never)[Symbol.asyncIterator]().next();
    await expect(turn).rejects.toMatchObject({ kind: "busy" });
    expect(server.received.filter(({ type }) => type === "input")).toHaveLength(0);
  });

  describe("a turn that was begun over another connection", () => {
    const status = (word: string) => ({ type: "update_loop_status", runtime, loop_status: { status: word } });

    /** Follows it, and gives how that ends. */
    const following = async () => {
      const answering: Answering = (command) => {
        if (command.type === "runtime_start") server.send(status("PROCESSING_API_RESPONSE"));
        return agreeable(command);
      };
      // Time passes here faster than a pong comes.
      await begin(answering, { pingEveryMs: 3_600_000 });
      const end = (async () => {
        for await (const event of backend.follow(request, never))
          if (event.type === "finished") return event.stopReason;
        return undefined;
      })().catch((error: unknown) => error);
      await server.next("runtime_start");
      // What is sent before its answer has been taken in is no part of the turn.
      await heard();
      return { end };
    };

    /** Resolves when all that was sent up to now has come. */
    const heard = () =>
      backend.lookUp({ ...conversation, conversationId: "other" }, "otid-2", never).catch(() => undefined);

    /** Lets time pass until it has ended, and gives how. */
    const inTime = async (end: Promise<unknown>) => {
      let how: unknown;
      void end.then((ended) => {
        how = ended;
      });
      await expect
        .poll(() => {
          timer.advance(100);
          return how;
        })
        .toBeDefined();
      return how;
    };

    it("and that ends without a word is cut: how it ended is to be looked up", async () => {
      const { end } = await following();
      server.send(status("WAITING_ON_INPUT"));
      expect(await end).toMatchObject({ kind: "cut" });
    });

    it("and that stays silent is ended, and is cut: its message may be asked again", async () => {
      const { end } = await following();
      timer.advance(30_000);
      expect(await server.next("abort_message")).toMatchObject({ runtime });
      server.send(finished("cancelled"));
      await heard();
      expect(await inTime(end)).toMatchObject({ kind: "cut" });
    });

    it("and that stays silent and cannot be ended holds its conversation", async () => {
      const { end } = await following();
      timer.advance(30_000);
      expect(await inTime(end)).toMatchObject({ kind: "held" });
      const next = backend
        .ask({ ...request, otid: "otid-2" }, never)
        [Symbol.asyncIterator]()
        .next();
      expect(await inTime(next.catch((error: unknown) => error))).toMatchObject({ kind: "held" });
    });

    it("and that stays silent while its tool works is waited for", async () => {
      const { end } = await following();
      server.send(status("EXECUTING_CLIENT_SIDE_TOOL"));
      await heard();
      timer.advance(30_000);
      server.send(finished("end_turn"));
      expect(await end).toBe("end_turn");
      expect(server.received.map(({ type }) => type)).not.toContain("abort_message");
    });

    it("and was cancelled with it is cut, too", async () => {
      const { end } = await following();
      server.send(finished("cancelled"));
      expect(await end).toMatchObject({ kind: "cut" });
    });
  });

  it("aborts a turn that nobody watches any more, and leaves no timer behind", async () => {
    await begin();
    const stop = new AbortController();
    const { end } = await asking(request, stop.signal);
    stop.abort(new Error("enough"));
    expect(await end).toMatchObject({ message: "enough" });
    expect(await server.next("abort_message")).toMatchObject({ runtime });
    server.drop();
    await backend.close();
    expect(timer.pending).toBe(0);
  });

  it("does not put its token into errors", async () => {
    server = await startFakeServer();
    const url = server.url;
    await server.close();
    backend = new AppServerBackend({
      url,
      token: "s3cret",
      toolAllowList: [],
      idleTimeoutMs: 1,
      startTimer: timer.start,
    });
    const error: unknown = await backend.createConversation("agent-1", never).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: "unreachable", remedy: expect.stringContaining("letta server") });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("s3cret");
    server = await startFakeServer();
  });
});
