import { expect, test } from "vitest";
import type { ConversationContext, TurnInput } from "../../src/machines/conversation/context.ts";
import { type ChartDriver, failure } from "./chart-driver.ts";
import { drive, question } from "./charts-under-test.ts";

type Conversation = ChartDriver<ConversationContext>;

const close = { type: "CLOSE", reason: "Scout is gone." };

function asked(): Conversation {
  const conversation = drive.conversation();
  for (const n of [1, 2, 3]) conversation.send({ type: "MESSAGE", question: question(n) });
  return conversation;
}

/** What each question is told from now on. */
function told(conversation: Conversation): readonly unknown[] {
  const answers: unknown[] = [];
  while (conversation.running.has("reply")) {
    const { turn } = conversation.inputOf<TurnInput>("reply");
    answers.push([turn.question.eventId, turn.answer]);
    conversation.done("reply");
  }
  return answers;
}

const gone = { outcome: "error", text: "Scout is gone." };
const allGone = [1, 2, 3].map((n) => [`$question-${n}`, gone]);

test("whoever waits when an agent is gone is told so, each once", () => {
  const opening = asked();
  opening.send(close);
  expect(told(opening)).toEqual(allGone);
  const turn = asked();
  turn.done("openConversation", { conversationId: "letta-1" });
  turn.send(close);
  expect(told(turn)).toEqual(allGone);
  const backingOff = asked();
  backingOff.done("openConversation", { conversationId: "letta-1" });
  for (let n = 0; n < 3; n += 1) {
    backingOff.fail("ask", failure("unreachable"));
    if (n < 2) backingOff.fire("xstate.after.retry.conversation.backingOff");
  }
  backingOff.send(close);
  expect(told(backingOff)).toEqual(allGone);
  for (const { value, context } of [opening, turn, backingOff])
    expect([value, context.queue, context.current, context.wait]).toEqual(["idle", [], undefined, undefined]);
});

test("an answer that is ready is still sent when the agent is gone", () => {
  const conversation = asked();
  conversation.done("openConversation", { conversationId: "letta-1" });
  conversation.done("ask", { text: "hello" });
  conversation.send(close);
  expect(told(conversation)).toEqual([["$question-1", { outcome: "answer", text: "hello" }], ...allGone.slice(1)]);
});

test("whatever is said later is asked again: the agent is back", () => {
  const conversation = asked();
  conversation.send(close);
  told(conversation);
  conversation.send({ type: "MESSAGE", question: question(4) });
  expect([...conversation.running.keys()]).toEqual(["openConversation"]);
});
