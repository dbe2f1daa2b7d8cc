import { describe, expect, test } from "vitest";
import type { LettaErrorKind } from "../../src/letta/port.ts";
import type { TurnInput } from "../../src/machines/conversation/context.ts";
import { asking, type Conversation } from "./asking.ts";
import { command, drive, question } from "./charts-under-test.ts";

/**
 * What a person sees of each trouble with Letta:
 * - `error`: one plain error, at once.
 * - `patience`: nothing at first, then a line that says what is waited for, which the answer takes the place of.
 * - `another`: nothing: the question is asked elsewhere, or under another id, and answered.
 */
const outcomes: Readonly<Record<LettaErrorKind, "error" | "patience" | "another">> = {
  unreachable: "patience",
  busy: "patience",
  gone: "another",
  held: "another",
  silent: "error",
  refused: "error",
  failed: "error",
  malformed: "error",
  // Looked up by the effect; what is left of it here is an error like any other.
  cut: "error",
};

const kinds = Object.entries(outcomes) as [LettaErrorKind, "error" | "patience" | "another"][];

function fail(conversation: Conversation, kind: LettaErrorKind): void {
  const [running = ""] = conversation.running.keys();
  conversation.fail(running, {
    name: "LettaError",
    kind,
    message: `Letta is in trouble (${kind})`,
    remedy: "look at Letta",
  });
}

function answerIn(conversation: Conversation): unknown {
  return conversation.inputOf<TurnInput>("reply").turn.answer;
}

/** All goes well from here, the waiting included. */
function recover(conversation: Conversation): void {
  while (!conversation.running.has("ask")) {
    if (conversation.running.has("openConversation"))
      conversation.done("openConversation", { conversationId: "letta-2" });
    else if (conversation.running.has("reply")) conversation.done("reply");
    else if (conversation.running.has("showWait")) conversation.done("showWait", { eventId: "$wait" });
    else if (conversation.timers.size > 0) conversation.fireNext();
    else expect.fail(`nothing leads on from ${JSON.stringify(conversation.value)}`);
  }
}

describe.each(kinds)("%s", (kind, outcome) => {
  test(`is ${outcome === "error" ? "told in one plain error that says what to do" : "overcome, and the question is answered"}`, () => {
    const conversation = asking();
    fail(conversation, kind);
    if (outcome === "error") {
      expect(answerIn(conversation)).toEqual({
        outcome: "error",
        text: `Letta is in trouble (${kind}). Look at Letta.`,
      });
      return;
    }
    expect(conversation.running.has("reply")).toBe(false);
    recover(conversation);
    conversation.done("ask", { text: "at last" });
    expect(answerIn(conversation)).toEqual({ outcome: "answer", text: "at last" });
  });

  test("leaves nothing behind: the next question is asked and answered", () => {
    const conversation = asking();
    conversation.send({ type: "MESSAGE", question: question(2) });
    fail(conversation, kind);
    for (const n of outcome === "error" ? [2] : [1, 2]) {
      recover(conversation);
      expect(conversation.inputOf<TurnInput>("ask").turn.question.eventId).toBe(`$question-${n}`);
      conversation.done("ask", { text: `answer ${n}` });
      conversation.done("reply");
    }
    expect(conversation.value).toBe("idle");
    expect(conversation.context.wait).toBeUndefined();
  });

  test("can be stopped, and tried again", () => {
    const conversation = asking();
    fail(conversation, kind);
    if (outcome !== "error") conversation.send(command("stop"));
    if (conversation.in("turn.stopping")) conversation.done("ask", { text: "", stopped: true });
    conversation.done("reply");
    expect(conversation.value).toBe("idle");
    conversation.send(command("retry"));
    recover(conversation);
    conversation.done("ask", { text: "at last" });
    expect(answerIn(conversation)).toEqual({ outcome: "answer", text: "at last" });
  });
});

const patient = kinds.filter(([, outcome]) => outcome === "patience").map(([kind]) => kind);

test.each(patient)("%s is told in the room from the second time on, while it lasts", (kind) => {
  const conversation = asking();
  fail(conversation, kind);
  expect(conversation.running.has("showWait")).toBe(false);
  conversation.fireNext();
  fail(conversation, kind);
  expect(conversation.inputOf<{ text: string }>("showWait").text).toBe(
    `Letta is in trouble (${kind}). Look at Letta. I keep trying.`,
  );
});

test.each([
  ["opening a conversation", "refused"],
  ["opening a conversation", "failed"],
  ["opening a conversation", "malformed"],
] as const)("%s that ends in %s is told in one plain error, and the next question opens one", (_, kind) => {
  const conversation = drive.conversation();
  conversation.send({ type: "MESSAGE", question: question(1) });
  fail(conversation, kind);
  expect(answerIn(conversation)).toMatchObject({ outcome: "error" });
  conversation.done("reply");
  conversation.send({ type: "MESSAGE", question: question(2) });
  recover(conversation);
  conversation.done("ask", { text: "hello" });
  expect(answerIn(conversation)).toEqual({ outcome: "answer", text: "hello" });
});
