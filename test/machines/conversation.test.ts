import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asking, type Conversation, turnOf } from "./asking.ts";
import { failure } from "./chart-driver.ts";
import { drive, question } from "./charts-under-test.ts";

const backoffId = "xstate.after.retry.conversation.backingOff";

describe("a question", () => {
  test("opens the conversation once, and is asked, answered and settled", () => {
    const conversation = asking();
    conversation.done("ask", { text: "hello" });
    expect(turnOf(conversation, "reply").answer).toEqual({ outcome: "answer", text: "hello" });
    conversation.done("reply");
    expect(conversation.value).toBe("idle");
    expect(conversation.context.current).toBeUndefined();
    conversation.send({ type: "MESSAGE", question: question(2) });
    expect([...conversation.running.keys()]).toEqual(["ask"]);
  });

  test("that nobody can read is declined without asking", () => {
    const conversation = drive.conversation();
    conversation.send({ type: "MESSAGE", question: question(1, { text: "", unreadable: "no images, please" }) });
    expect(turnOf(conversation, "reply").answer).toEqual({ outcome: "error", text: "no images, please" });
  });

  test("waits for the one before it", () => {
    const conversation = asking();
    conversation.send({ type: "MESSAGE", question: question(2) });
    conversation.send({ type: "MESSAGE", question: question(3) });
    expect([...conversation.running.keys()]).toEqual(["ask"]);
    for (const n of [1, 2, 3]) {
      expect(turnOf(conversation, "ask").question).toEqual(question(n));
      conversation.done("ask", { text: `answer ${n}` });
      conversation.done("reply");
    }
    expect(conversation.value).toBe("idle");
  });

  test("answered without a word gets an error that says so", () => {
    const conversation = asking();
    conversation.done("ask", { text: "" });
    expect(turnOf(conversation, "reply").answer?.outcome).toBe("error");
  });
});

describe("#32 silence", () => {
  test("sends nothing when nothing was shown", () => {
    const conversation = asking();
    conversation.done("ask", { text: "<no-reply/>" });
    expect(conversation.value).toBe("idle");
    expect(conversation.running.size).toBe(0);
  });

  test("takes back the draft that was shown, also one whose sending was cut off", () => {
    const conversation = asking();
    conversation.send({ type: "DRAFTING" });
    conversation.done("ask", { text: "<no-reply/>" });
    expect(turnOf(conversation, "withdrawDraft")).toMatchObject({ drafting: true });
    conversation.fail("withdrawDraft", failure("unreachable"));
    expect(conversation.context.wait?.reason).toBe("it failed: unreachable");
    conversation.fireNext();
    conversation.done("withdrawDraft");
    expect(conversation.value).toBe("idle");
  });
});

describe("#36 an edit", () => {
  const edited = { type: "EDITED", edits: "$question-2", sender: "@anna:test", text: "better words" };

  test("replaces the text of a question that waits", () => {
    const conversation = asking();
    conversation.send({ type: "MESSAGE", question: question(2) });
    conversation.send(edited);
    expect(conversation.context.queue).toEqual([question(2, { text: "better words" })]);
  });

  test("by anybody else than its author changes nothing", () => {
    const conversation = asking();
    conversation.send({ type: "MESSAGE", question: question(2) });
    conversation.send({ ...edited, sender: "@mallory:test" });
    expect(conversation.context.queue).toEqual([question(2)]);
  });

  test("of the question that is being asked, or of nothing, is no question", () => {
    const conversation = asking();
    for (const edits of ["$question-1", "$elsewhere"]) conversation.send({ ...edited, edits });
    expect(turnOf(conversation, "ask").question.text).toBe("text 1");
    expect(conversation.context.queue).toEqual([]);
  });
});

describe("#22 failures that pass", () => {
  /** Fails the running `ask`, waits as long as the chart does, and gives that time. */
  function failAndWait(conversation: Conversation, kind: string, retryAfterMs?: number): number {
    conversation.fail("ask", failure(kind, retryAfterMs));
    expect(conversation.context.wait?.reason).toBe(`it failed: ${kind}`);
    if (conversation.running.has("showWait")) {
      conversation.send({ type: "DRAFTING" });
      conversation.done("showWait", { eventId: "$draft" });
    }
    return conversation.fireNext();
  }

  test("back off, longer each time up to a minute", () => {
    const conversation = asking();
    const delays = Array.from({ length: 9 }, () => failAndWait(conversation, "unreachable"));
    for (const [index, delay] of delays.entries()) {
      const doubled = Math.min(60_000, 1_000 * 2 ** index);
      expect(delay).toBeGreaterThanOrEqual(0.8 * doubled);
      expect(delay).toBeLessThanOrEqual(1.2 * doubled);
      if (doubled < 60_000) expect(delay).toBeGreaterThan(delays[index - 1] ?? 0);
    }
    expect(new Set(delays.slice(-3)).size, "the same delay is spread").toBe(3);
  });

  test("wait at least as long as the server asked, whatever the jitter", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 600_000 }), fc.constantFrom("busy", "unreachable"), (asked, kind) => {
        expect(failAndWait(asking(), kind, asked)).toBeGreaterThanOrEqual(asked);
      }),
    );
  });

  test("are explained in the room from the second on, once, and the answer takes that place", () => {
    const conversation = asking();
    conversation.fail("ask", failure("unreachable"));
    expect(conversation.value).toEqual({ backingOff: "quiet" });
    conversation.fireNext();
    conversation.fail("ask", failure("unreachable"));
    expect(conversation.running.get("showWait")?.input).toMatchObject({
      text: "It failed: unreachable. I keep trying.",
    });
    conversation.send({ type: "DRAFTING" });
    conversation.done("showWait", { eventId: "$draft" });
    conversation.fireNext();
    conversation.fail("ask", failure("unreachable"));
    expect(conversation.running.has("showWait")).toBe(false);
    conversation.fireNext();
    conversation.done("ask", { text: "at last" });
    expect(turnOf(conversation, "reply")).toMatchObject({ draft: "$draft", answer: { text: "at last" } });
    expect(conversation.context.wait).toBeUndefined();
  });

  test("an explanation that cannot be sent or takes too long holds nothing up", () => {
    const conversation = asking();
    failAndWait(conversation, "unreachable");
    conversation.fail("ask", failure("unreachable"));
    conversation.send({ type: "DRAFTING" });
    conversation.fire(backoffId);
    expect(conversation.in("turn.asking")).toBe(true);
    expect(turnOf(conversation, "ask").drafting).toBe(true);
  });

  test("are not the person's business when it is our own session that has ended", () => {
    const conversation = asking();
    failAndWait(conversation, "token");
    expect(conversation.in("turn")).toBe(true);
  });

  test("busy for ever ends in one error", () => {
    const conversation = asking();
    let tries = 0;
    for (; conversation.in("turn"); tries++) {
      conversation.fail("ask", failure("busy"));
      if (conversation.running.has("showWait")) conversation.done("showWait", { eventId: "$draft" });
      if (conversation.in("backingOff")) conversation.fireNext();
    }
    expect(tries).toBe(21);
    expect(turnOf(conversation, "reply").answer).toEqual({ outcome: "error", text: "It failed: busy." });
  });

  test("busy after a long outage is not an error at once", () => {
    const conversation = asking();
    for (let n = 0; n < 50; n++) failAndWait(conversation, "unreachable");
    conversation.fail("ask", failure("busy"));
    expect(conversation.in("backingOff")).toBe(true);
  });

  test("of opening are forgotten when it succeeds", () => {
    const conversation = drive.conversation();
    conversation.send({ type: "MESSAGE", question: question(1) });
    conversation.fail("openConversation", failure("unreachable"));
    conversation.fireNext();
    conversation.fail("openConversation", failure("unreachable"));
    conversation.done("showWait", { eventId: "$draft" });
    conversation.fireNext();
    conversation.done("openConversation", { conversationId: "letta-1" });
    expect(conversation.context.wait).toBeUndefined();
    expect(turnOf(conversation, "ask").tries).toBe(0);
  });
});

describe("a failure that stays", () => {
  test("is told in one error, with what to do", () => {
    const conversation = asking();
    conversation.fail("ask", { ...failure("refused"), remedy: "set another key" });
    expect(turnOf(conversation, "reply").answer).toEqual({
      outcome: "error",
      text: "It failed: refused. Set another key.",
    });
    conversation.done("reply");
    expect(conversation.value).toBe("idle");
  });

  test("of opening leaves no wait behind", () => {
    const conversation = drive.conversation();
    conversation.send({ type: "MESSAGE", question: question(1) });
    conversation.fail("openConversation", failure("unreachable"));
    conversation.fireNext();
    conversation.fail("openConversation", failure("refused"));
    expect(turnOf(conversation, "reply").answer?.outcome).toBe("error");
    expect(conversation.context.wait).toBeUndefined();
  });
});

describe("a lost attempt", () => {
  test("is followed by the next at once, at most five times", () => {
    const conversation = asking();
    for (const attempt of [1, 2, 3, 4, 5, 6]) {
      expect(turnOf(conversation, "ask").attempt).toBe(attempt);
      conversation.fail("ask", failure("lost"));
    }
    expect(turnOf(conversation, "reply").answer).toEqual({
      outcome: "error",
      text: "It failed: lost. Write !retry to have me try again, or send your message in other words.",
    });
  });

  test("in which a tool was approved is not repeated", () => {
    const conversation = asking();
    conversation.send({ type: "TOOL_APPROVED", tool: "archive" });
    conversation.fail("ask", failure("lost"));
    expect(turnOf(conversation, "reply")).toMatchObject({ attempt: 1, answer: { outcome: "error" } });
  });

  test("knows of an approval that came when it had failed already", () => {
    const conversation = asking();
    conversation.fail("ask", failure("unreachable"));
    conversation.send({ type: "TOOL_APPROVED", tool: "archive" });
    conversation.fireNext();
    conversation.fail("ask", failure("lost"));
    expect(turnOf(conversation, "reply").attempt).toBe(1);
  });
});

describe("a conversation that takes no message any more", () => {
  test("is gone on with in a branch of it, where the same question is asked under a new id", () => {
    const conversation = asking();
    conversation.fail("ask", failure("held"));
    expect(conversation.inputOf("openConversation")).toMatchObject({ from: "letta-1" });
    conversation.done("openConversation", { conversationId: "letta-2" });
    expect(conversation.inputOf("ask")).toMatchObject({ conversationId: "letta-2", turn: { attempt: 2 } });
  });

  test("that Letta has lost is replaced by a new one", () => {
    const conversation = asking();
    conversation.fail("ask", failure("gone"));
    expect(conversation.inputOf("openConversation")).not.toHaveProperty("from");
  });

  test("and cannot be branched is replaced by a new one", () => {
    const conversation = asking();
    conversation.fail("ask", failure("held"));
    conversation.fail("openConversation", failure("refused"));
    expect(conversation.inputOf("openConversation")).not.toHaveProperty("from");
    conversation.done("openConversation", { conversationId: "letta-2" });
    expect(conversation.inputOf("ask")).toMatchObject({ conversationId: "letta-2" });
  });

  test("uses up none of the attempts that may be lost", () => {
    const conversation = asking();
    for (let n = 1; n < 6; n++) {
      conversation.fail("ask", failure("lost"));
      conversation.fail("ask", failure("held"));
      conversation.done("openConversation", { conversationId: `letta-${n}` });
    }
    expect(turnOf(conversation, "ask")).toMatchObject({ attempt: 11, moves: 5 });
  });

  test("and neither do those it is replaced by, six times, is told in one error", () => {
    const conversation = asking();
    for (let n = 0; n < 6; n++) {
      conversation.fail("ask", failure("held"));
      conversation.done("openConversation", { conversationId: `letta-${n}` });
    }
    conversation.fail("ask", failure("held"));
    expect(turnOf(conversation, "reply").answer?.outcome).toBe("error");
  });

  test("is not asked elsewhere when a tool was approved, but the next question is", () => {
    const conversation = asking();
    conversation.send({ type: "MESSAGE", question: question(2) });
    conversation.send({ type: "TOOL_APPROVED", tool: "archive" });
    conversation.fail("ask", failure("held"));
    expect(turnOf(conversation, "reply").answer?.outcome).toBe("error");
    conversation.done("reply");
    conversation.fail("ask", failure("held"));
    expect(conversation.inputOf("openConversation")).toMatchObject({ from: "letta-1" });
  });
});

describe("an answer", () => {
  test.each(["unreachable", "limited", "token", "malformed"])("is sent again after %s", (kind) => {
    const conversation = asking();
    conversation.done("ask", { text: "hello" });
    conversation.fail("reply", failure(kind, kind === "limited" ? 30_000 : undefined));
    expect(conversation.context.wait).toBeDefined();
    expect(conversation.fireNext()).toBeGreaterThanOrEqual(kind === "limited" ? 30_000 : 800);
    expect(turnOf(conversation, "reply").answer?.text).toBe("hello");
    conversation.done("reply");
    expect(conversation.context.wait).toBeUndefined();
  });

  test("that the homeserver does not take is replaced by a word about that, once", () => {
    const conversation = asking();
    conversation.done("ask", { text: "far too long" });
    conversation.fail("reply", { ...failure("too-large"), remedy: "ask for less" });
    expect(turnOf(conversation, "reply").answer).toEqual({
      outcome: "error",
      text: "I have an answer that I cannot send here. It failed: too-large. Ask for less.",
    });
    conversation.fail("reply", failure("too-large"));
    expect(conversation.value).toBe("idle");
  });

  test("#18 into a room that does not let us speak holds nobody up", () => {
    const conversation = asking();
    conversation.send({ type: "MESSAGE", question: question(2) });
    conversation.done("ask", { text: "hello" });
    let waited = 0;
    for (let tries = 1; tries <= 6; tries++) {
      conversation.fail("reply", failure("forbidden"));
      waited += conversation.fireNext();
    }
    expect(waited).toBeLessThan(80_000);
    conversation.fail("reply", failure("forbidden"));
    expect(turnOf(conversation, "ask").question.eventId).toBe("$question-2");
  });

  test("that is refused for a moment is sent again: it may be a proxy that refuses", () => {
    const conversation = asking();
    conversation.done("ask", { text: "hello" });
    conversation.fail("reply", failure("forbidden"));
    conversation.fireNext();
    expect(turnOf(conversation, "reply").answer?.text).toBe("hello");
    conversation.done("reply");
    expect(conversation.value).toBe("idle");
  });
});

describe("the queue", () => {
  test("#20 is full at 500, says so to each that it refuses, and to nobody else", () => {
    const conversation = asking();
    for (let n = 2; n <= 503; n++) conversation.send({ type: "MESSAGE", question: question(n) });
    expect(conversation.context.queue).toHaveLength(500);
    expect(conversation.actions.map(({ name, input }) => [name, input])).toEqual([
      ["refuse", expect.objectContaining({ question: question(502), text: expect.stringContaining("500 messages") })],
      ["refuse", expect.objectContaining({ question: question(503) })],
    ]);
    conversation.done("ask", { text: "hello" });
    conversation.done("reply");
    conversation.send({ type: "MESSAGE", question: question(504) });
    expect(conversation.context.queue.at(-1)?.eventId).toBe("$question-504");
  });

  test("says once that something before it was cut", () => {
    const conversation = asking();
    conversation.send({ type: "CUT", gap: "s1" });
    expect(conversation.actions.map(({ name, input }) => [name, input])).toEqual([
      ["sayCut", { userId: "@agent_1:test", roomId: "!room:test", gap: "s1" }],
    ]);
  });
});

describe("a dead letter", () => {
  test("is apologised for in its place", () => {
    const conversation = asking();
    conversation.send({ type: "deadLetter", letter: { type: "MESSAGE", question: question(2) } });
    conversation.send({ type: "MESSAGE", question: question(3) });
    conversation.done("ask", { text: "hello" });
    conversation.done("reply");
    expect(turnOf(conversation, "reply")).toMatchObject({
      question: { eventId: "$question-2" },
      answer: { outcome: "error", text: expect.stringContaining("other words") },
    });
    conversation.done("reply");
    expect(turnOf(conversation, "ask").question.eventId).toBe("$question-3");
  });

  test("that was no question is let go", () => {
    const conversation = asking();
    conversation.send({ type: "deadLetter", letter: { type: "EDITED" } });
    expect(conversation.context.queue).toEqual([]);
  });
});
