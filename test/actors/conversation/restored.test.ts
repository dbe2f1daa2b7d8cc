import { beforeEach, describe, expect, test } from "vitest";
import { ask, TurnLost } from "../../../src/actors/conversation/ask.ts";
import { reply, withdrawDraft } from "../../../src/actors/conversation/reply.ts";
import { RoomTurn } from "../../../src/actors/conversation/room-turn.ts";
import type { ConversationEvent, Turn } from "../../../src/machines/conversation/context.ts";
import type { Happening } from "../../ports/fake-letta.ts";
import { effectContext } from "../effect-context.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

/** After a restore: another store, newer than this one, may have asked and said everything. */

let w: TurnWorld;

beforeEach(async () => {
  w = await turnWorld();
});

function maybeAsked(): Turn["question"] {
  return { ...w.question, maybeAsked: true };
}

async function draftOfAnEarlierStore(): Promise<string> {
  const draft = await new RoomTurn(w.sessions, w.input(), effectContext().signal, false).sendDraft("hal");
  w.homeserver.forgetTransactions();
  return draft;
}

test("an answer goes on in the draft of an earlier store", async () => {
  const turn: Happening[] = [
    { type: "text", messageId: "m1", delta: "half" },
    () => w.clock.pass(1_000),
    { type: "text", messageId: "m1", delta: " and half" },
    () => w.clock.pass(1_000),
    { type: "finished", stopReason: "end_turn" },
  ];
  await draftOfAnEarlierStore();
  w.letta.turns = [turn];
  await ask(w)(w.input({ question: maybeAsked() }), effectContext<ConversationEvent>());
  expect(w.sent.length).toBeGreaterThan(1);
  expect(w.sent.slice(1).every(({ content }) => "m.new_content" in content)).toBe(true);
});

describe("a draft of an earlier store does not hang", () => {
  test("when the answer comes whole: it stands in its place", async () => {
    const draft = await draftOfAnEarlierStore();
    const turn = { question: maybeAsked(), answer: { outcome: "answer", text: "whole" } as const };
    await reply(w)(w.input(turn), effectContext<never>());
    expect(w.finals).toEqual([{ body: "whole", part: 1, edits: true }]);
    expect(w.sent.at(-1)?.content["m.relates_to"]).toMatchObject({ event_id: draft });
  });

  test("when there is nothing to say: it is removed", async () => {
    const draft = await draftOfAnEarlierStore();
    await withdrawDraft(w)(w.input({ question: maybeAsked() }), effectContext<never>());
    expect(w.homeserver.room(w.roomId).events.find(({ eventId }) => eventId === draft)?.content).toEqual({});
  });
});

test("a turn that showed nothing in any store removes nothing", async () => {
  await withdrawDraft(w)(w.input({ question: maybeAsked() }), effectContext<never>());
  expect(w.sent).toEqual([]);
});

test.each([
  [true, 1],
  [false, 0],
])(
  "what was lost after a tool was called is not safe to repeat when another store asked it (%s)",
  async (may, said) => {
    w.letta.fates = [{ state: "lost", calledTool: "Bash" }];
    const context = effectContext<ConversationEvent>({ restarted: true });
    const asked = ask(w)(w.input(may ? { question: maybeAsked() } : {}), context);
    await expect(asked).rejects.toBeInstanceOf(TurnLost);
    expect(context.emitted.filter(({ type }) => type === "TOOL_APPROVED")).toHaveLength(said);
  },
);

test("once Letta is known never to have had the turn, a call in its history is one that was asked about here", async () => {
  w.letta.fates = [{ state: "unknown" }];
  w.letta.turns = [[() => expect(first.emitted).toContainEqual({ type: "ASKED_HERE" })]];
  const first = effectContext<ConversationEvent>();
  await expect(ask(w)(w.input({ question: maybeAsked() }), first)).rejects.toMatchObject({ kind: "unreachable" });
  expect(first.checkpoints).toEqual(["asked here"]);

  const again = effectContext<ConversationEvent>({ restarted: true, checkpointed: "asked here" });
  w.letta.fates = [{ state: "lost", calledTool: "Bash" }];
  await expect(ask(w)(w.input({ question: maybeAsked() }), again)).rejects.toBeInstanceOf(TurnLost);
  const later = effectContext<ConversationEvent>();
  w.letta.fates = [{ state: "lost", calledTool: "Bash" }];
  const turn = { question: maybeAsked(), tries: 1, askedHere: true } as const;
  await expect(ask(w)(w.input(turn), later)).rejects.toBeInstanceOf(TurnLost);
  expect([...again.emitted, ...later.emitted]).toEqual([]);
});
