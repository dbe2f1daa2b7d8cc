import { beforeEach, describe, expect, test } from "vitest";
import { ask } from "../../../src/actors/conversation/ask.ts";
import type { ConversationEvent, Turn } from "../../../src/machines/conversation/context.ts";
import { silence } from "../../../src/machines/conversation/setup.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import type { Happening } from "../../ports/fake-letta.ts";
import { effectContext } from "../effect-context.ts";
import { type TurnWorld, turnWorld } from "./turn-world.ts";

let w: TurnWorld;

beforeEach(async () => {
  w = await turnWorld();
});

function outcome(turn: Partial<Turn> = {}, given: { readonly restarted?: boolean } = {}) {
  return ask(w)(w.input(turn), effectContext<ConversationEvent>(given));
}

describe("what the agent has said by a tool", () => {
  const usingATool = (answer: string): Happening[] => [
    () => w.letta.asked.at(-1)?.beforeApproval("send_matrix_message"),
    { type: "text", messageId: "m1", delta: answer },
    { type: "finished", stopReason: "end_turn" },
  ];
  const mark = { cause: "$q", attempt: 1, part: 1, parts: 1, final: false, hops: 0 };
  const post = (body: string, rest: object = {}) =>
    w.homeserver.post(w.roomId, { sender: w.userId, content: { msgtype: "m.text", body, ...rest } });

  test("#31 is not said again when its turn ends with the same words", async () => {
    w.letta.turns = [usingATool("It is **four**.\nSo far.")];
    post("It is **four**. So far.");
    expect(await outcome()).toEqual({ text: silence });
  });

  test("#31 is not said again by who was killed and finds the answer in Letta's history", async () => {
    w.letta.fates = [{ state: "answered", text: "It is four." }];
    post("It is four.");
    expect(await outcome({ toolApproved: true }, { restarted: true })).toEqual({ text: silence });
  });

  test.each([
    ["other words", () => post("Let me see.")],
    ["another's words", () => w.say("It is four.")],
    [
      "words in another thread",
      () => post("It is four.", { "m.relates_to": { rel_type: "m.thread", event_id: "$t" } }),
    ],
    ["a draft of this answer", () => post("It is four.", { "io.letta_matrix.turn": mark })],
  ])("leaves the answer alone where it was %s", async (_, said) => {
    w.letta.turns = [usingATool("It is four.")];
    said();
    expect(await outcome()).toEqual({ text: "It is four." });
  });

  test("leaves the answer alone that is the same as an earlier one", async () => {
    w = await turnWorld();
    const { homeserver, roomId, userId } = w;
    homeserver.post(roomId, { sender: userId, content: { msgtype: "m.text", body: "Yes." } });
    const { eventId } = w.say("and now?");
    w.letta.turns = [usingATool("Yes.")];
    expect(await outcome({ question: { ...w.question, eventId } })).toEqual({ text: "Yes." });
  });

  test("is said again rather than not at all where the room cannot be read", async () => {
    w.letta.turns = [usingATool("It is four.")];
    post("It is four.");
    w.homeserver.fail("messages", matrixError("unreachable"));
    expect(await outcome()).toEqual({ text: "It is four." });
  });
});
