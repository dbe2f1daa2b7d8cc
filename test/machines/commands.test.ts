import { describe, expect, test } from "vitest";
import { asking, type Conversation, turnOf } from "./asking.ts";
import { failure } from "./chart-driver.ts";
import { approval, command, drive, question } from "./charts-under-test.ts";

/** What was said to commands, in a word each. */
function remarksOf(conversation: Conversation): string[] {
  return conversation.actions.filter(({ name }) => name === "remark").map(({ input }) => Object(input).text);
}

describe("#24 !stop", () => {
  test("has the turn end, and what was written stands, marked as stopped", () => {
    const conversation = asking();
    conversation.send({ type: "DRAFTING" });
    const { effects } = conversation.send(command("stop"));
    expect(effects).toMatchObject([{ kind: "send", child: "ask", event: { type: "STOP" } }]);
    expect(conversation.in("turn.stopping")).toBe(true);
    conversation.send({ type: "DRAFTED", eventId: "$draft" });
    conversation.done("ask", { text: "half a", stopped: true });
    expect(turnOf(conversation, "reply")).toMatchObject({
      draft: "$draft",
      answer: { outcome: "error", text: "half a\n\n(Stopped.)" },
    });
    expect(remarksOf(conversation)).toEqual([]);
  });

  test("leaves the questions that wait alone: the next is asked, under ids of its own", () => {
    const conversation = asking();
    conversation.send({ type: "MESSAGE", question: question(2) });
    conversation.send(command("stop"));
    conversation.done("ask", { text: "", stopped: true });
    expect(turnOf(conversation, "reply").answer).toEqual({ outcome: "error", text: "Stopped." });
    conversation.done("reply");
    expect(turnOf(conversation, "ask")).toEqual({
      question: question(2),
      attempt: 1,
      tries: 0,
      busyTries: 0,
      moves: 0,
      drafting: false,
      toolApproved: false,
    });
  });

  test("that comes when the answer is whole already changes nothing in it", () => {
    const conversation = asking();
    conversation.send(command("stop"));
    conversation.done("ask", { text: "whole" });
    expect(turnOf(conversation, "reply").answer).toEqual({ outcome: "answer", text: "whole" });
  });

  test.each(["lost", "gone", "held", "unreachable", "busy", "token", "silent", "failed", "refused", ""])(
    "is the end, too, of a turn that fails meanwhile (%s): nothing is asked again",
    (kind) => {
      const conversation = asking();
      conversation.send(command("stop"));
      conversation.fail("ask", failure(kind));
      expect(turnOf(conversation, "reply").answer).toEqual({ outcome: "error", text: "Stopped." });
    },
  );

  test("ends waiting for Letta, and opening a conversation", () => {
    const waiting = asking();
    waiting.fail("ask", failure("unreachable"));
    waiting.send(command("stop"));
    expect(turnOf(waiting, "reply").answer?.text).toBe("Stopped.");
    expect(waiting.context.wait).toBeUndefined();
    expect(waiting.timers.size).toBe(0);

    const opening = drive.conversation();
    opening.send({ type: "MESSAGE", question: question(1) });
    opening.send(command("stop"));
    expect(turnOf(opening, "reply").answer?.text).toBe("Stopped.");
  });

  test("says so in one notice when there is nothing to stop, or it is being stopped already", () => {
    const conversation = drive.conversation();
    conversation.send(command("stop"));
    expect(conversation.value).toBe("idle");
    conversation.send({ type: "MESSAGE", question: question(1) });
    conversation.done("openConversation", { conversationId: "letta-1" });
    conversation.send(command("stop"));
    conversation.send(command("stop", { eventId: "$again" }));
    expect(remarksOf(conversation)).toEqual([
      expect.stringMatching(/nothing to stop/),
      expect.stringMatching(/stopping already/),
    ]);
    expect(conversation.actions.map(({ input }) => Object(input).to.eventId)).toEqual(["$stop", "$again"]);
  });
});

describe("a question that was lost, replayed by an operator", () => {
  test("is asked as a new cause: under its own one the person was told that it was lost", () => {
    const conversation = drive.conversation();
    conversation.send({ type: "deadLetter", letter: { type: "MESSAGE", question: question(1) } });
    conversation.done("reply");
    conversation.send({ type: "MESSAGE", question: question(1), replay: "letter-1" });
    conversation.done("openConversation", { conversationId: "conv-1" });
    expect(turnOf(conversation, "ask").question).toEqual({ ...question(1), retry: "letter-1" });
  });
});

describe("!retry", () => {
  /** A conversation whose first question has ended with an error. */
  function failed(): Conversation {
    const conversation = asking();
    conversation.fail("ask", failure("failed"));
    conversation.done("reply");
    return conversation;
  }

  test("asks again what ended with an error, as a new cause", () => {
    const conversation = failed();
    conversation.send(command("retry"));
    expect(turnOf(conversation, "ask")).toMatchObject({
      question: { ...question(1), retry: "$retry" },
      attempt: 1,
      drafting: false,
      toolApproved: false,
    });
    conversation.done("ask", { text: "hello" });
    expect(turnOf(conversation, "reply").answer).toEqual({ outcome: "answer", text: "hello" });
    conversation.done("reply");
    expect(conversation.value).toBe("idle");
  });

  test("asks again what was stopped", () => {
    const conversation = asking();
    conversation.send(command("stop"));
    conversation.done("ask", { text: "half", stopped: true });
    conversation.done("reply");
    conversation.send(command("retry"));
    expect(turnOf(conversation, "ask").question).toMatchObject({ eventId: "$question-1", retry: "$retry" });
  });

  test("may be said once more when that fails, too, and is another cause then", () => {
    const conversation = failed();
    conversation.send(command("retry"));
    conversation.fail("ask", failure("failed"));
    conversation.done("reply");
    conversation.send(command("retry", { eventId: "$once-more" }));
    expect(turnOf(conversation, "ask").question.retry).toBe("$once-more");
  });

  test("asks the text as its author has edited it since", () => {
    const conversation = failed();
    conversation.send({ type: "EDITED", edits: "$question-1", sender: "@anna:test", text: "better words" });
    conversation.send(command("retry"));
    expect(turnOf(conversation, "ask").question.text).toBe("better words");
  });

  test("waits for the questions that wait already", () => {
    const conversation = asking();
    conversation.send({ type: "MESSAGE", question: question(2) });
    conversation.send({ type: "MESSAGE", question: question(3) });
    conversation.fail("ask", failure("failed"));
    conversation.done("reply");
    conversation.send(command("retry"));
    expect(conversation.context.queue.map(({ eventId }) => eventId)).toEqual(["$question-3", "$question-1"]);
  });

  test.each([
    ["nothing was asked", () => drive.conversation()],
    [
      "the last answer was no error",
      () => {
        const conversation = asking();
        conversation.done("ask", { text: "hello" });
        conversation.done("reply");
        return conversation;
      },
    ],
    [
      "the last message cannot be read anyway",
      () => {
        const conversation = drive.conversation();
        conversation.send({ type: "MESSAGE", question: question(1, { text: "", unreadable: "no images" }) });
        conversation.done("reply");
        return conversation;
      },
    ],
    [
      "it is being tried already",
      () => {
        const conversation = failed();
        conversation.send(command("retry", { eventId: "$first" }));
        return conversation;
      },
    ],
  ])("says so in one notice when %s", (_, make) => {
    const conversation = make();
    const before = conversation.context.queue;
    conversation.send(command("retry"));
    expect(remarksOf(conversation)).toEqual([expect.stringMatching(/nothing to try again/)]);
    expect(conversation.context.queue).toEqual(before);
  });
});

describe("!retry in a conversation whose queue is full", () => {
  const many = Array.from({ length: 500 }, (_, n) => question(n + 2));

  function full(): Conversation {
    const conversation = asking();
    conversation.fail("ask", failure("failed"));
    conversation.done("reply");
    conversation.send({ type: "MESSAGE", question: question(1_000) });
    for (const one of many) conversation.send({ type: "MESSAGE", question: one });
    return conversation;
  }

  test("says so: there would be something to try again", () => {
    const conversation = full();
    conversation.send(command("retry"));
    expect(remarksOf(conversation)).toEqual([expect.stringMatching(/^500 messages are waiting .* not try .* again/)]);
    expect(conversation.context.queue).toEqual(many);
    expect(conversation.context.failed).toEqual(question(1));
  });

  test("says that there is nothing to try again where there is not", () => {
    const conversation = asking();
    for (const one of many) conversation.send({ type: "MESSAGE", question: one });
    conversation.send(command("retry"));
    expect(remarksOf(conversation)).toEqual([expect.stringMatching(/nothing to try again/)]);
  });
});

test("a command of somebody who may give none changes nothing, and is told so", () => {
  const conversation = asking();
  for (const name of ["stop", "retry", "approve", "deny"] as const)
    conversation.send(command(name, { permitted: false, eventId: `$${name}` }));
  expect(conversation.in("turn.asking")).toBe(true);
  expect(remarksOf(conversation)).toHaveLength(4);
  for (const text of remarksOf(conversation)) expect(text).toMatch(/Only people whom the operator has named/);
});

describe("#23 a tool call that a person has to approve", () => {
  const day = 24 * 3_600_000;

  /** A turn whose request stands in the room. */
  function waiting(): Conversation {
    const conversation = asking();
    conversation.send({ type: "APPROVAL_WANTED", approval: approval(1) });
    conversation.send({ type: "APPROVAL_SHOWN", eventId: "$request" });
    return conversation;
  }

  const told = (allowed: boolean, by = "@anna:test") => [
    { kind: "send", child: "ask", event: { type: "DECIDED", callId: "perm-1", allowed, by } },
  ];

  test.each([
    ["!approve", command("approve"), true],
    ["!deny", command("deny"), false],
    ["✅ on it", command("approve", { reactionTo: "$request" }), true],
    ["❌ on it", command("deny", { reactionTo: "$request" }), false],
  ])("is decided by %s, once", (_, decision, allowed) => {
    const conversation = waiting();
    expect(conversation.in("turn.awaitingApproval")).toBe(true);
    expect(conversation.send(decision).effects).toEqual(told(allowed).map((one) => expect.objectContaining(one)));
    expect(conversation.in("turn.asking")).toBe(true);
    expect(conversation.context.current?.approval).toBeUndefined();
    expect(conversation.context.current?.decided).toEqual({ ...approval(1), eventId: "$request" });
    expect(conversation.send(command("approve", { reactionTo: "$request" })).effects).toEqual([]);
    expect(remarksOf(conversation)).toEqual([]);
  });

  test("is not decided by a sign on anything else, nor by somebody who may give no commands", () => {
    const conversation = waiting();
    conversation.send(command("approve", { reactionTo: "$elsewhere" }));
    conversation.send(command("approve", { permitted: false }));
    expect(conversation.in("turn.awaitingApproval")).toBe(true);
    expect(remarksOf(conversation)).toEqual([expect.stringMatching(/Only people/)]);
  });

  test("is denied when nobody has decided within a day", () => {
    const conversation = waiting();
    expect([...conversation.timers.values()]).toEqual([day]);
    const [timer = ""] = conversation.timers.keys();
    const { effects } = conversation.fire(timer);
    expect(effects).toMatchObject([{ event: { type: "DECIDED", callId: "perm-1", allowed: false } }]);
    expect(effects).not.toMatchObject([{ event: { by: expect.anything() } }]);
    conversation.done("ask", { text: "without the tool, then" });
    expect(turnOf(conversation, "reply").answer?.outcome).toBe("answer");
  });

  test("tells whoever asks meanwhile what is waited for, and queues that", () => {
    const conversation = waiting();
    conversation.send({ type: "MESSAGE", question: question(2) });
    expect(conversation.context.queue).toEqual([question(2)]);
    expect(remarksOf(conversation)).toEqual([expect.stringMatching(/!approve or !deny/)]);
  });

  test("ends with a turn that is stopped", () => {
    const conversation = waiting();
    conversation.send(command("stop"));
    conversation.send(command("approve"));
    expect(conversation.in("turn.stopping")).toBe(true);
    conversation.done("ask", { text: "", stopped: true });
    expect(turnOf(conversation, "reply")).toMatchObject({
      approval: { callId: "perm-1" },
      answer: { text: "Stopped." },
    });
  });

  test("that was cut off is known to the next attempt, which may ask again", () => {
    const conversation = waiting();
    conversation.fail("ask", failure("lost"));
    expect(turnOf(conversation, "ask")).toMatchObject({
      attempt: 2,
      approval: { callId: "perm-1", eventId: "$request" },
    });
    expect(conversation.in("turn.asking")).toBe(true);
    conversation.send({ type: "APPROVAL_WANTED", approval: { ...approval(1), attempt: 2 } });
    expect(conversation.context.current?.approval).toEqual({ ...approval(1), attempt: 2 });
  });

  test("says so in one notice when there is nothing to approve, and a sign says nothing then", () => {
    const conversation = asking();
    conversation.send(command("approve"));
    conversation.send(command("deny"));
    conversation.send(command("approve", { reactionTo: "$anything" }));
    expect(remarksOf(conversation)).toEqual(Array(2).fill(expect.stringMatching(/nothing to approve or deny/)));
  });
});
