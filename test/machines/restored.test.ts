import { describe, expect, test } from "vitest";
import type { PollInput } from "../../src/machines/agent/context.ts";
import type { RecallInput } from "../../src/machines/conversation/context.ts";
import { polling } from "./agents.ts";
import { asking, type Conversation, turnOf } from "./asking.ts";
import { failure } from "./chart-driver.ts";
import { command, drive, question } from "./charts-under-test.ts";

/** The store comes from a backup: what happened since it was made, nobody knows here. */
const restored = { type: "restored", store: "store-2" };

describe("an agent whose store comes from a backup", () => {
  test("forgets its cursor and looks first, under a name that no look had before", () => {
    const agent = polling();
    expect(agent.inputOf<PollInput>("poll").since).toBeDefined();
    agent.send(restored);
    expect(agent.running.has("poll")).toBe(false);
    const look = agent.inputOf<PollInput>("catchUp");
    expect([look.since, look.store]).toEqual([undefined, "store-2"]);
    agent.done("catchUp", { since: "s9", heard: [] });
    expect(agent.inputOf<PollInput>("poll")).toMatchObject({ since: "s9" });
  });

  test("does so, too, when it was waiting for the homeserver", () => {
    const agent = polling();
    agent.fail("poll", failure("unreachable"));
    agent.send(restored);
    expect(agent.context.since).toBeUndefined();
  });
});

/** One question is answered, and a second waits; then the store is restored. */
function doubting(before: (conversation: Conversation) => void = () => undefined): Conversation {
  const conversation = asking();
  conversation.send({ type: "MESSAGE", question: question(2) });
  before(conversation);
  conversation.send(restored);
  return conversation;
}

const ways: Readonly<Record<string, (conversation: Conversation) => void>> = {
  "while it was asked": () => undefined,
  "while a draft grew": (conversation) => conversation.send({ type: "DRAFTING" }),
  "while it waited for Letta": (conversation) => conversation.fail("ask", failure("unreachable")),
  "while its conversation was opened": (conversation) => conversation.fail("ask", failure("gone")),
  "while its answer was sent": (conversation) => conversation.done("ask", { text: "so" }),
  "while its answer was to be sent again": (conversation) => {
    conversation.done("ask", { text: "so" });
    conversation.fail("reply", failure("limited"));
  },
  "while its draft was taken back": (conversation) => {
    conversation.send({ type: "DRAFTING" });
    conversation.done("ask", { text: "<no-reply/>" });
  },
};

describe.each(Object.entries(ways))("a conversation that was backed up %s", (_, before) => {
  test("asks and says nothing before it has looked for the answers to all that it holds", () => {
    const conversation = doubting(before);
    expect([...conversation.running.keys()]).toEqual(["findAnswered"]);
    const { questions } = conversation.inputOf<RecallInput>("findAnswered");
    expect(questions).toEqual([question(1, { maybeAsked: true }), question(2, { maybeAsked: true })]);
  });

  test("leaves alone what is answered", () => {
    const conversation = doubting(before);
    conversation.done("findAnswered", { answered: ["$question-1", "$question-2"] });
    expect(conversation.value).toBe("idle");
    expect(conversation.context).toMatchObject({ queue: [] });
    expect(conversation.running.size).toBe(0);
  });

  test("goes on with what is not, and looks it up at Letta first", () => {
    const conversation = doubting(before);
    conversation.done("findAnswered", { answered: ["$question-1"] });
    if (conversation.running.has("openConversation")) conversation.done("openConversation", { conversationId: "l-2" });
    expect(turnOf(conversation, "ask").question).toEqual(question(2, { maybeAsked: true }));
  });

  test("tries again when the homeserver does not answer, and says why it waits", () => {
    const conversation = doubting(before);
    conversation.fail("findAnswered", failure("unreachable"));
    expect(conversation.context.wait).toBeDefined();
    conversation.fireNext();
    expect([...conversation.running.keys()]).toEqual(["findAnswered"]);
  });
});

describe("a restored conversation", () => {
  test("no longer believes that Letta had the turn from here alone", () => {
    const conversation = doubting((one) => one.send({ type: "ASKED_HERE" }));
    conversation.done("findAnswered", { answered: [] });
    expect(turnOf(conversation, "ask").askedHere).toBeUndefined();
  });

  test("sends an answer that it has and the room has not", () => {
    const conversation = doubting((one) => one.done("ask", { text: "so" }));
    conversation.done("findAnswered", { answered: [] });
    expect(turnOf(conversation, "reply").answer).toEqual({ outcome: "answer", text: "so" });
  });

  test("looks for a draft that an earlier store may have sent, when the agent has nothing to say", () => {
    const conversation = doubting();
    conversation.done("findAnswered", { answered: [] });
    conversation.done("ask", { text: "<no-reply/>" });
    expect(conversation.running.has("withdrawDraft")).toBe(true);
  });

  test("stops what somebody wants to be stopped meanwhile, unless it is answered", () => {
    const stopped = doubting();
    stopped.send(command("stop"));
    stopped.done("findAnswered", { answered: [] });
    expect(turnOf(stopped, "reply").answer).toEqual({ outcome: "error", text: "Stopped." });
    const answered = doubting();
    answered.send(command("stop"));
    answered.done("findAnswered", { answered: ["$question-1"] });
    expect(turnOf(answered, "ask").question.eventId).toBe("$question-2");
  });

  test("does not try again what failed last: something else may have been asked since", () => {
    const conversation = drive.conversation();
    conversation.send({ type: "MESSAGE", question: question(1, { unreadable: "no images" }) });
    conversation.done("reply");
    conversation.send(restored);
    expect(conversation.context.failed).toBeUndefined();
    expect(conversation.value).toBe("idle");
  });
});
