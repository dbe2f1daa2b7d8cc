import { beforeEach, describe, expect, test } from "vitest";
import { ask, TurnLost } from "../../../src/actors/conversation/ask.ts";
import { envelope } from "../../../src/actors/conversation/envelope.ts";
import { otidOf } from "../../../src/actors/conversation/otid.ts";
import type { TurnEvent } from "../../../src/letta/port.ts";
import type { ConversationEvent, Turn } from "../../../src/machines/conversation/context.ts";
import type { EffectContext } from "../../../src/runtime/effect.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { type Happening, lettaError } from "../../ports/fake-letta.ts";
import { settled } from "../../runtime/simulated-clock.ts";
import { effectContext } from "../effect-context.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

let w: TurnWorld;

beforeEach(async () => {
  w = await turnWorld();
});

type Given = Partial<Pick<EffectContext, "restarted" | "checkpointed">>;

function start(turn: Partial<Turn> = {}, given: Given = {}) {
  const context = effectContext<ConversationEvent>(given);
  const asked = ask(w)(w.input(turn), context);
  asked.catch(() => undefined);
  return { asked, context };
}

function text(delta: string, messageId = "m1"): TurnEvent {
  return { type: "text", messageId, delta };
}

/** Lets time pass in the middle of a turn. */
function wait(ms: number): () => Promise<void> {
  return () => w.clock.pass(ms);
}

const end: Happening = { type: "finished", stopReason: "end_turn" };

function bodies(): unknown[] {
  return w.sent.map(({ content }) => Object(content["m.new_content"] ?? content).body);
}

describe("a question", () => {
  test("that Letta has not had is asked at once, without looking it up", async () => {
    expect(await start().asked).toEqual({ text: "an answer" });
    expect(w.letta.calls).toEqual(["ask"]);
    expect(w.letta.asked).toMatchObject([
      {
        conversation: { agentId: "agent-1", conversationId: "letta-1" },
        otid: otidOf("agent-1", w.question.eventId, 1),
        text: envelope(w.question, w.roomId),
      },
    ]);
  });

  test("has another name at Letta in its next attempt", async () => {
    await start({ attempt: 2 }).asked;
    expect(w.letta.asked[0]?.otid).toBe(otidOf("agent-1", w.question.eventId, 2));
  });

  test.each([
    ["an earlier process began to ask it", {}, { restarted: true }],
    ["an earlier try failed", { tries: 1 }, {}],
  ])("is looked up first when %s", async (_, turn, given) => {
    await start(turn, given).asked;
    expect(w.letta.calls).toEqual(["lookUp", "ask"]);
    expect(w.letta.lookedUp).toEqual([w.letta.asked[0]?.otid]);
  });

  test("is looked up first when a lost store may have asked it", async () => {
    await start({ question: { ...w.question, maybeAsked: true } }).asked;
    expect(w.letta.calls).toEqual(["lookUp", "ask"]);
  });

  test("without a session of the agent is not asked yet", async () => {
    await w.sessions.forget(w.userId);
    await expect(start().asked).rejects.toMatchObject({ kind: "token" });
    expect(w.letta.calls).toEqual([]);
  });
});

describe("#7 a question that Letta had", () => {
  test("and has answered is not asked again", async () => {
    w.letta.fates = [{ state: "answered", text: " so\n" }];
    expect(await start({}, { restarted: true }).asked).toEqual({ text: "so" });
    expect(w.letta.calls).toEqual(["lookUp"]);
  });

  test("and has lost is left to the chart", async () => {
    w.letta.fates = [{ state: "lost" }];
    await expect(start({}, { restarted: true }).asked).rejects.toBeInstanceOf(TurnLost);
    expect(w.letta.calls).toEqual(["lookUp"]);
  });

  test("and still works on is followed, and its answer taken whole from the history", async () => {
    w.letta.fates = [{ state: "running" }, { state: "answered", text: "the beginning and the rest" }];
    w.letta.followed = [[text("and the rest"), wait(1_000), end]];
    expect(await start({}, { restarted: true }).asked).toEqual({ text: "the beginning and the rest" });
    expect(w.letta.calls).toEqual(["lookUp", "follow", "lookUp"]);
    expect(bodies()).toEqual(["and the rest"]);
  });

  test("and whose tool call still waits is decided by the request that stands in the room already", async () => {
    const call = { id: "run-1/call-1", name: "Bash", input: { command: "ls" } };
    const before = effectContext<ConversationEvent>();
    w.letta.turns = [[{ type: "accepted" }, () => w.letta.asked[0]?.askPerson?.(call, before.signal)]];
    void ask(w)(w.input(), before).catch(() => undefined);
    await settled();
    const [request] = w.sent;
    const approval = {
      callId: call.id,
      attempt: 1,
      tool: "Bash",
      text: String(bodies()[0]),
      eventId: request?.eventId ?? "",
    };
    before.abort();
    w.letta.fates = [{ state: "running" }, { state: "answered", text: "done" }];
    w.letta.followed = [[() => w.letta.following?.askPerson?.(call, new AbortController().signal), text("done"), end]];
    const { asked, context } = start({ approval }, { restarted: true });
    await settled();
    expect(w.sent).toEqual([request]);
    context.deliver({ type: "DECIDED", callId: call.id, allowed: true, by: "@anna:test" });
    expect(await asked).toEqual({ text: "done" });
    const closings = w.sent.slice(1).map(({ content }) => String(Object(content["m.new_content"] ?? content).body));
    expect(closings.filter((body) => body.endsWith("Approved by @anna:test."))).toHaveLength(1);
    expect(closings.join("\n")).not.toContain("cut off");
  });

  test("and whose tool call was decided elsewhere meanwhile leaves no open request in the room", async () => {
    const approval = { callId: "run-1/call-1", attempt: 1, tool: "Bash", text: "May I?" };
    w.letta.fates = [{ state: "running" }, { state: "answered", text: "done" }];
    w.letta.followed = [[text("done"), end]];
    expect(await start({ approval }, { restarted: true }).asked).toEqual({ text: "done" });
    expect(bodies()).toContain("May I?\nNot decided: the work on this was cut off.");
  });

  test("and whose tool call had been decided when it was cut off leaves no open request in the room", async () => {
    const decided = { callId: "run-1/call-1", attempt: 1, tool: "Bash", text: "May I?", eventId: "$request" };
    w.letta.fates = [{ state: "lost" }];
    await expect(start({ decided }, { restarted: true }).asked).rejects.toMatchObject({ kind: "lost" });
    expect(bodies()).toEqual(["May I?\nDecided, but the work on this was cut off."]);
  });

  test("and whose turn was cut off while it was followed is looked up, and left to the chart when it is lost", async () => {
    w.letta.fates = [{ state: "running" }, { state: "lost" }];
    const cutOff = () => {
      throw lettaError("cut");
    };
    w.letta.followed = [[cutOff]];
    await expect(start({}, { restarted: true }).asked).rejects.toMatchObject({ kind: "lost" });
    expect(w.letta.calls).toEqual(["lookUp", "follow", "lookUp"]);
  });

  test.each([
    ["", [{ state: "lost", ranTool: "send_mail" }]],
    [" while it was followed", [{ state: "running" }, { state: "lost", ranTool: "send_mail" }]],
  ] as const)("and lost%s after a tool ran unasked is not asked again: the tool is noted", async (_, fates) => {
    w.letta.fates = [...fates];
    const { asked, context } = start({}, { restarted: true });
    await expect(asked).rejects.toMatchObject({ kind: "lost" });
    expect(context.emitted).toContainEqual({ type: "TOOL_APPROVED", tool: "send_mail" });
    expect(w.letta.calls).not.toContain("ask");
  });

  test("and lost while it was followed is left to the chart", async () => {
    w.letta.fates = [{ state: "running" }, { state: "lost" }];
    await expect(start({}, { restarted: true }).asked).rejects.toMatchObject({ kind: "lost" });
  });

  test.each(["running", "unknown"] as const)(
    "and is %s after it was followed is not given up: later it is looked up again",
    async (state) => {
      w.letta.fates = [{ state: "running" }, { state }];
      await expect(start({}, { restarted: true }).asked).rejects.toMatchObject({ kind: "busy" });
      expect(w.letta.calls).not.toContain("ask");
    },
  );

  test.each([
    ["as the chart knows", { toolApproved: true }, { restarted: true }],
    ["as was noted before the restart", {}, { restarted: true, checkpointed: "tool approved" }],
  ])("and ran a tool for is never asked again, %s, also when it has forgotten all about it", async (_, turn, given) => {
    w.letta.fates = [{ state: "unknown" }];
    await expect(start(turn, given).asked).rejects.toMatchObject({ kind: "lost" });
    expect(w.letta.calls).toEqual(["lookUp"]);
  });
});

describe("a tool call", () => {
  test("is noted, durably and for a restart, before it is approved", async () => {
    const { context, asked } = start();
    await asked;
    await w.letta.asked[0]?.beforeApproval("archive");
    expect(context.emitted).toContainEqual({ type: "TOOL_APPROVED", tool: "archive" });
    expect(context.checkpoints).toEqual(["tool approved"]);
    context.abort();
    await expect(w.letta.asked[0]?.beforeApproval("archive")).rejects.toThrow();
  });
});

describe("a turn", () => {
  test("that is cut off in the middle is no answer, however much has come", async () => {
    w.letta.turns = [[{ type: "accepted" }, text("half an")]];
    await expect(start().asked).rejects.toMatchObject({ kind: "unreachable" });
  });

  test("of which the model took a part back has the rest", async () => {
    w.letta.turns = [[text("half an"), { type: "withdrawn", messageId: "m1" }, text("whole", "m2"), end]];
    expect(await start().asked).toEqual({ text: "whole" });
  });

  test("that fails fails as Letta says", async () => {
    w.letta.turns = [
      [
        text("half an"),
        () => {
          throw lettaError("busy", 5_000);
        },
      ],
    ];
    await expect(start().asked).rejects.toMatchObject({ kind: "busy", retryAfterMs: 5_000 });
    expect(w.clock.pending).toBe(0);
  });

  test("leaves nothing behind when it is aborted", async () => {
    w.letta.turns = [[text("half an"), wait(2_000), () => new Promise(() => undefined)]];
    const { context } = start();
    await settled();
    await w.clock.pass(3_000);
    context.abort();
    await w.clock.pass(60_000);
    expect(w.sent).toHaveLength(1);
  });
});

describe("drafts of an answer", () => {
  test("are noted before and after the first is sent, and grow", async () => {
    w.letta.turns = [[text("one"), wait(1_000), text(" two"), wait(2_000), text(" three"), wait(100), end]];
    const { asked, context } = start();
    expect(await asked).toEqual({ text: "one two three" });
    expect(bodies()).toEqual(["one", "one two"]);
    expect(context.emitted).toEqual([{ type: "DRAFTING" }, { type: "DRAFTED", eventId: w.sent[0]?.eventId }]);
    expect(new Set(w.sent.map(({ content }) => content["msgtype"]))).toEqual(new Set(["m.notice"]));
  });

  test("are not sent when the note could not be made durable", async () => {
    w.letta.turns = [[text("one"), wait(5_000), end]];
    const context = { ...effectContext<ConversationEvent>(), emit: () => Promise.reject(new Error("the host stops")) };
    expect(await ask(w)(w.input(), context)).toEqual({ text: "one" });
    expect(w.sent).toEqual([]);
  });

  test("that cannot be sent cost the answer nothing", async () => {
    w.homeserver.fail("send", matrixError("forbidden"), 100);
    w.letta.turns = [[text("one"), wait(60_000), text(" two"), wait(60_000), end]];
    expect(await start().asked).toEqual({ text: "one two" });
    expect(w.sent).toEqual([]);
  });

  test("are all sent or given up when the answer is handed on", async () => {
    w.letta.turns = [[text("one"), wait(310), end]];
    const { asked } = start();
    await asked;
    await w.clock.pass(60_000);
    expect(w.sent).toHaveLength(1);
    expect(w.clock.pending).toBe(0);
  });

  test("grow on after a restart: the names of the edits are not those that were used before", async () => {
    w.letta.turns = [[text("one"), wait(1_000), text(" two"), wait(2_000)]];
    await expect(start().asked).rejects.toThrow();
    w.letta.fates = [{ state: "running" }, { state: "answered", text: "one two three four" }];
    w.letta.followed = [[text("one two three"), wait(1_000), text(" four"), wait(2_000), end]];
    await start({ drafting: true }, { restarted: true }).asked;
    expect(bodies()).toEqual(["one", "one two", "one two three four"]);
  });

  test("of a second attempt continue the first one's event", async () => {
    w.letta.turns = [
      [text("one"), wait(1_000)],
      [text("uno"), wait(1_000), text(" due"), wait(2_000), end],
    ];
    await expect(start().asked).rejects.toThrow();
    await start({ attempt: 2, drafting: true, draft: w.sent[0]?.eventId ?? "" }).asked;
    expect(bodies()).toEqual(["one", "uno", "uno due"]);
    for (const { content } of w.sent.slice(1))
      expect(content["m.relates_to"]).toMatchObject({ event_id: w.sent[0]?.eventId });
  });

  test("#32 are none of a turn that ends in silence", async () => {
    w.letta.turns = [[text("<no-"), wait(10_000), text("reply/>"), wait(10_000), end]];
    expect(await start().asked).toEqual({ text: "<no-reply/>" });
    w.letta.fates = [{ state: "answered", text: "I look.\n\n<no-reply/>" }];
    expect(await start({}, { restarted: true }).asked).toEqual({ text: "<no-reply/>" });
    expect(w.sent).toEqual([]);
  });
});

describe("while it is asked", () => {
  test("the question is marked as read, and the agent types until the end", async () => {
    w.letta.turns = [[wait(50_000), text("so"), end]];
    await start().asked;
    await settled();
    const signs = w.homeserver.requests.filter(({ call }) => call === "receipt" || call === "typing");
    expect(signs.map(({ call, args }) => [call, args[1]])).toEqual([
      ["receipt", w.question.eventId],
      ["typing", true],
      ["typing", true],
      ["typing", true],
      ["typing", false],
    ]);
    expect(w.clock.pending).toBe(0);
  });

  test("signs that cannot be given are left alone", async () => {
    w.homeserver.fail("receipt", matrixError("forbidden"), 10);
    w.homeserver.fail("typing", matrixError("limited", 1_000), 10);
    expect(await start().asked).toEqual({ text: "an answer" });
    await settled();
  });
});

describe("#24 a person who stops the turn", () => {
  const stop = { type: "STOP" };

  /** Delivers the command in the middle of the turn, and then nothing happens any more. */
  function stopAfter(...before: Happening[]) {
    const context = effectContext<ConversationEvent>();
    w.letta.turns = [[...before, () => context.deliver(stop), () => new Promise(() => undefined), text("late"), end]];
    return { context, asked: ask(w)(w.input(), context) };
  }

  test("has Letta end it, and keeps what was written", async () => {
    const { asked } = stopAfter({ type: "accepted" }, text("half an"), wait(1_000), text(" answer"));
    expect(await asked).toEqual({ text: "half an answer", stopped: true });
    expect(w.letta.cancelled).toEqual([w.letta.asked[0]?.otid]);
  });

  test("need not wait for a Letta that does not end it", async () => {
    w.letta.cancel = () => Promise.reject(lettaError("unreachable"));
    const { asked } = stopAfter({ type: "accepted" }, text("half"));
    await settled();
    await w.clock.pass(3_000);
    expect(await asked).toEqual({ text: "half", stopped: true });
  });

  test("sees nothing of what the model writes later", async () => {
    const { asked, context } = stopAfter({ type: "accepted" }, text("half"), wait(1_000));
    await asked;
    context.abort();
    await w.clock.pass(20_000);
    expect(bodies()).toEqual(["half"]);
  });

  test("gets the answer when it is whole before that", async () => {
    const context = effectContext<ConversationEvent>();
    w.letta.cancel = async () => undefined;
    w.letta.turns = [[{ type: "accepted" }, text("whole"), () => context.deliver(stop), end]];
    expect(await ask(w)(w.input(), context)).toEqual({ text: "whole" });
  });

  test("is remembered by a restarted process: nothing is sent to Letta any more", async () => {
    const context = effectContext<ConversationEvent>({ restarted: true });
    context.deliver(stop);
    expect(await ask(w)(w.input(), context)).toEqual({ text: "", stopped: true });
    expect(w.letta.asked).toEqual([]);
  });
});

test("a question that is asked once more is another one to Letta, and in the room", async () => {
  const retried = { ...w.question, retry: "$retry" };
  w.letta.turns = [[{ type: "accepted" }, text("again"), wait(1_000), end]];
  await start({ question: retried }).asked;
  expect(w.letta.asked[0]?.otid).toBe(otidOf("agent-1", "$retry", 1));
  await start({}).asked;
  expect(w.letta.asked[1]?.otid).toBe(otidOf("agent-1", w.question.eventId, 1));
  expect(w.sent[0]?.content).toMatchObject({
    "io.letta_matrix.turn": { cause: w.question.eventId, retry: "$retry" },
    "m.relates_to": { "m.in_reply_to": { event_id: w.question.eventId } },
  });
});
