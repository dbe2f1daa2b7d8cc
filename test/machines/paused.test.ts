import { describe, expect, test } from "vitest";
import { addressOf } from "../../src/machines/addresses.ts";
import type { Heard } from "../../src/machines/question.ts";
import { nothing, polling } from "./agents.ts";
import { asking, type Conversation, turnOf } from "./asking.ts";
import { failure } from "./chart-driver.ts";
import { command, drive, question } from "./charts-under-test.ts";

const own = addressOf.conversation("test", "agent-1", "!room:test");
const other = addressOf.conversation("test", "agent-1", "!other:test");

describe("an agent that an operator pauses", () => {
  const heard: Heard = { kind: "question", roomId: "!other:test", question: question(1) };

  test("tells all its conversations, keeps hearing, and tells a new one before it hands a message on to it", () => {
    const agent = polling();
    agent.send({ type: "PAUSE", reason: "too dear" });
    expect(agent.context.paused).toEqual({ since: agent.at, reason: "too dear" });
    agent.done("listToPause", [own]);
    expect(agent.in("service.paused")).toBe(true);
    expect(agent.tells.at(-1)).toMatchObject({ to: own, event: { type: "PAUSED" } });
    agent.done("poll", { since: "s2", heard: [heard, heard] });
    expect(agent.tells.slice(-3).map(({ to, event }) => [to, event.type])).toEqual([
      [other, "PAUSED"],
      [other, "MESSAGE"],
      [other, "MESSAGE"],
    ]);
    expect(agent.context.since).toBe("s2");
  });

  test("does not bring a conversation to life by what is only about what was said before", () => {
    const agent = polling();
    agent.send({ type: "PAUSE" });
    agent.done("listToPause", []);
    const edit = {
      kind: "edit",
      roomId: "!other:test",
      eventId: "$e",
      edits: "$m",
      sender: "@anna:test",
      text: "more",
    };
    const sign = { kind: "command", roomId: "!other:test", command: command("approve", { reactionTo: "$m" }).command };
    agent.done("poll", { since: "s2", heard: [edit, sign] });
    expect(agent.tells.slice(-2).map(({ event }) => event.type)).toEqual(["EDITED", "APPROVE"]);
    expect(agent.tells.filter(({ event }) => event.type === "PAUSED")).toEqual([]);
  });

  test("tells them when it is over, and from then on only what is said", () => {
    const agent = polling();
    agent.send({ type: "PAUSE" });
    agent.done("listToPause", []);
    agent.send({ type: "RESUME" });
    expect(agent.context.paused).toBeUndefined();
    agent.done("listToResume", [own, other]);
    expect(agent.in("service.serving")).toBe(true);
    expect(agent.tells.slice(-2).map(({ to, event }) => [to, event.type])).toEqual([
      [own, "RESUMED"],
      [other, "RESUMED"],
    ]);
    agent.done("poll", { since: "s2", heard: [heard] });
    expect(agent.tells.at(-1)).toMatchObject({ id: "$question-1", event: { type: "MESSAGE" } });
    expect(agent.tells.at(-2)).toMatchObject({ event: { type: "RESUMED" } });
  });

  test("stays paused when it is paused again, over an absence, and while its conversations cannot be listed", () => {
    const agent = polling();
    agent.send({ type: "PAUSE", reason: "first" });
    agent.fail("listToPause", failure(""));
    expect(agent.fireNext()).toBe(5_000);
    agent.done("listToPause", []);
    agent.send({ type: "PAUSE", reason: "second" });
    expect(agent.context.paused?.reason).toBe("first");
    agent.send({ type: "DISABLED" });
    agent.send({ type: "DISCOVERED", name: "Scout" });
    expect(agent.in("service.paused")).toBe(true);
  });
});

describe("a conversation of a paused agent", () => {
  function remarksOf(conversation: Conversation): unknown[] {
    return conversation.actions.filter(({ name }) => name === "remark").map(({ input }) => Object(input).to.eventId);
  }

  /** One question waits in it. */
  function waiting(): Conversation {
    const conversation = drive.conversation();
    conversation.send({ type: "PAUSED" });
    conversation.send({ type: "MESSAGE", question: question(1) });
    conversation.done("lookWhetherPaused", { paused: true });
    return conversation;
  }

  test("keeps what it is asked, tells so once, and has nothing run meanwhile", () => {
    const conversation = waiting();
    conversation.send({ type: "MESSAGE", question: question(2) });
    expect(conversation.in("paused.waiting")).toBe(true);
    expect([...conversation.running, ...conversation.timers]).toEqual([]);
    expect(conversation.context.queue).toHaveLength(2);
    expect(conversation.context.wait).toMatchObject({ reason: "the agent is paused", since: conversation.at });
    expect(remarksOf(conversation)).toEqual(["$question-1"]);
  });

  test("asks all of it, in order, when the agent goes on", () => {
    const conversation = waiting();
    conversation.send({ type: "MESSAGE", question: question(2) });
    conversation.send({ type: "RESUMED" });
    conversation.done("openConversation", { conversationId: "letta-1" });
    expect(turnOf(conversation, "ask").question).toEqual(question(1));
    expect(conversation.context.wait).toBeUndefined();
    conversation.done("ask", { text: "one" });
    conversation.done("reply");
    expect(turnOf(conversation, "ask").question).toEqual(question(2));
  });

  test("goes on by itself, and says nothing, when it has not heard that the pause is over", () => {
    const conversation = drive.conversation();
    conversation.send({ type: "PAUSED" });
    expect(conversation.value).toBe("idle");
    conversation.send({ type: "MESSAGE", question: question(1) });
    conversation.done("lookWhetherPaused", { paused: false });
    expect(conversation.value).toBe("opening");
    expect(remarksOf(conversation)).toEqual([]);
    expect(conversation.context.paused).toBeUndefined();
  });

  test("ends what it is answering, and asks nothing after it", () => {
    const conversation = asking();
    conversation.send({ type: "PAUSED" });
    conversation.send({ type: "MESSAGE", question: question(2) });
    conversation.done("ask", { text: "one" });
    conversation.done("reply");
    conversation.done("lookWhetherPaused", { paused: true });
    expect(conversation.in("paused.waiting")).toBe(true);
    expect(remarksOf(conversation)).toEqual(["$question-2"]);
  });

  test("does not ask again what Letta did not take, until the agent goes on; then as the same attempt", () => {
    const conversation = asking();
    conversation.fail("ask", failure("unreachable"));
    conversation.send({ type: "PAUSED" });
    conversation.fireNext();
    conversation.done("lookWhetherPaused", { paused: true });
    expect([...conversation.running]).toEqual([]);
    conversation.send({ type: "RESUMED" });
    expect(turnOf(conversation, "ask")).toMatchObject({ question: question(1), attempt: 1 });
  });

  test("can be stopped, and be closed: whoever waits is told", () => {
    const stopped = asking();
    stopped.fail("ask", failure("unreachable"));
    stopped.send({ type: "PAUSED" });
    stopped.fireNext();
    stopped.send(command("stop"));
    expect(turnOf(stopped, "reply").answer?.text).toBe("Stopped.");

    const closed = waiting();
    closed.send({ type: "CLOSE", reason: "It is gone." });
    expect(turnOf(closed, "reply").answer).toEqual({ outcome: "error", text: "It is gone." });
  });

  test("looks at the room first after a restore, and waits on", () => {
    const conversation = waiting();
    conversation.send({ type: "restored", store: "b" });
    conversation.done("findAnswered", { answered: [] });
    conversation.done("lookWhetherPaused", { paused: true });
    expect(conversation.in("paused.waiting")).toBe(true);
  });
});

describe("an agent that is to be provisioned anew", () => {
  test("takes all steps again, of a room that is as it should be, too", () => {
    const agent = polling();
    agent.send({ type: "REPROVISION" });
    expect(agent.fireNext()).toBe(0);
    expect(agent.running.has("ensureProfile")).toBe(true);
    expect(agent.in("intake.polling")).toBe(true);
  });

  test("does not wait for the next try", () => {
    const agent = drive.agent();
    agent.send({ type: "DISCOVERED", name: "Scout" });
    agent.fail("ensureAccount", failure("forbidden"));
    expect(agent.in("account.refused")).toBe(true);
    agent.send({ type: "REPROVISION" });
    agent.fail("ensureAccount", failure("unreachable"));
    agent.send({ type: "REPROVISION" });
    agent.done("ensureAccount");
    agent.send({ type: "SPACE_READY", spaceId: "!space:test" });
    agent.fail("ensureProfile", failure("unreachable"));
    expect(agent.in("room.backingOff")).toBe(true);
    agent.send({ type: "REPROVISION" });
    expect(agent.running.has("ensureProfile")).toBe(true);
  });

  test("hears on while it listens to what is pushed", () => {
    const agent = polling();
    agent.done("poll", { ...nothing, pushes: true });
    agent.send({ type: "REPROVISION" });
    agent.fireNext();
    expect(agent.in("intake.pushed")).toBe(true);
  });
});
