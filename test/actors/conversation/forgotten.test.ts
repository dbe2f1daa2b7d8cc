import { beforeEach, expect, test } from "vitest";
import { ask } from "../../../src/actors/conversation/ask.ts";
import type { TurnEvent } from "../../../src/letta/port.ts";
import type { ConversationEvent, Turn } from "../../../src/machines/conversation/context.ts";
import { effectContext } from "../effect-context.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

/** Homeservers forget under which transaction id something was sent: at their restart, or after a while. */

let w: TurnWorld;

beforeEach(async () => {
  w = await turnWorld();
});

function start(turn: Partial<Turn> = {}, given: { readonly restarted?: boolean } = {}) {
  return ask(w)(w.input(turn), effectContext<ConversationEvent>(given));
}

function text(delta: string): TurnEvent {
  return { type: "text", messageId: "m1", delta };
}

function wait(ms: number): () => Promise<void> {
  return () => w.clock.pass(ms);
}

const end: TurnEvent = { type: "finished", stopReason: "end_turn" };

function bodies(): unknown[] {
  return w.sent.map(({ content }) => Object(content["m.new_content"] ?? content).body);
}

test.each([
  ["after a restart", {}, { restarted: true }],
  ["in a second attempt", { attempt: 2, drafting: true }, {}],
])(
  "the drafts of an answer are those that stand there %s, also where the homeserver has forgotten the first",
  async (_, turn, given) => {
    w.letta.turns = [
      [text("one"), wait(1_000)],
      [text("uno"), wait(1_000), text(" due"), wait(2_000), end],
    ];
    await expect(start()).rejects.toThrow();
    w.homeserver.forgetTransactions();
    await start(turn, given);
    expect(bodies()).toEqual(["one", "uno due"]);
    expect(w.sent[1]?.content["m.relates_to"]).toMatchObject({ event_id: w.sent[0]?.eventId });
  },
);

test("the drafts of an answer are one although the homeserver was lost while it took the first", async () => {
  w.homeserver.loseAnswers("send", 1);
  w.letta.turns = [[text("one"), wait(1_000), text(" two"), wait(2_000), end]];
  await start();
  expect(bodies()).toEqual(["one", "one two"]);
  expect(w.sent[1]?.content["m.relates_to"]).toMatchObject({ event_id: w.sent[0]?.eventId });
});
