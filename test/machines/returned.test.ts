import { expect, test } from "vitest";
import type { AskingAgent } from "../../src/machines/question.ts";
import { asking, type Conversation, turnOf } from "./asking.ts";
import { command, drive, question } from "./charts-under-test.ts";

/** What an agent answers another one, on either side. */

const from: AskingAgent = { agentId: "agent-2", hops: 3, replyTo: { roomId: "!sage:test", key: "k" } };

/** Scout, asked by Sage. */
function askedBySage(): Conversation {
  const conversation = drive.conversation();
  conversation.send({ type: "MESSAGE", question: question(1, { from }) });
  conversation.done("openConversation", { conversationId: "letta-1" });
  return conversation;
}

const told = (conversation: Conversation) => conversation.tells.map(({ to, event }) => [to, event]);
const returned = (outcome: string, text: string) => [
  "test/conversation/agent-2/!sage%3Atest/",
  {
    type: "RETURNED",
    key: "k",
    from: { agentId: "agent-1", hops: 4 },
    returned: { userId: "@agent_1:test", outcome },
    text,
  },
];

test("whoever asked is told once, in the conversation where it asked, when the answer stands in the room", () => {
  const conversation = askedBySage();
  conversation.done("ask", { text: "Sunny." });
  expect(told(conversation)).toEqual([]);
  conversation.done("reply");
  expect(told(conversation)).toEqual([returned("answer", "Sunny.")]);
});

test("whoever asked is told, too, that there is no answer: silence, an error, an agent that is gone, a full queue", () => {
  const silent = askedBySage();
  silent.done("ask", { text: "<no-reply/>" });
  expect(told(silent)).toEqual([returned("silence", "")]);
  const gone = askedBySage();
  gone.send({ type: "CLOSE", reason: "Scout is gone." });
  gone.done("reply");
  expect(told(gone)).toEqual([returned("error", "Scout is gone.")]);
  const full = drive.conversation();
  for (let n = 1; n <= 501; n += 1) full.send({ type: "MESSAGE", question: question(n) });
  full.send({ type: "MESSAGE", question: question(502, { from }) });
  expect(told(full)).toEqual([returned("error", expect.stringContaining("500 messages are waiting"))]);
});

test("whoever asks without wanting to be told, or is a person, is not", () => {
  const conversation = asking();
  conversation.send({ type: "MESSAGE", question: question(2, { from: { agentId: "agent-2", hops: 1 } }) });
  for (const text of ["one", "two"]) {
    conversation.done("ask", { text });
    conversation.done("reply");
  }
  expect(told(conversation)).toEqual([]);
});

const about = { eventId: "$question-1", sender: "@anna:test" };
const answer = {
  type: "RETURNED",
  key: "k",
  from: { agentId: "agent-2", hops: 2 },
  returned: { userId: "@agent_2:test", outcome: "answer" },
  text: "Sunny.",
};

/** Scout, who asks Sage while it answers Anna. */
function askingSage(): Conversation {
  const conversation = asking();
  conversation.send({ type: "ASKING", key: "k", name: "Sage", about });
  return conversation;
}

function finish(conversation: Conversation): void {
  conversation.done("ask", { text: "I have asked." });
  conversation.done("reply");
}

test("a late answer is one input, for whom it was asked, under a name of its own, and is answered to nobody else", () => {
  const conversation = askingSage();
  conversation.send(answer);
  conversation.send(answer);
  finish(conversation);
  expect(turnOf(conversation, "ask").question).toEqual({
    ...about,
    retry: "k",
    sentAt: expect.any(Number),
    mentioned: false,
    text: "Sunny.",
    from: { agentId: "agent-2", name: "Sage", hops: 2 },
    returned: { userId: "@agent_2:test", outcome: "answer" },
  });
  finish(conversation);
  expect([conversation.value, conversation.context.queue, conversation.context.asked]).toEqual(["idle", [], []]);
  expect(told(conversation)).toEqual([]);
  conversation.send(answer);
  expect(conversation.value).toBe("idle");
});

test("what the tool has given already is no input, whichever comes first", () => {
  const heardFirst = askingSage();
  heardFirst.send({ type: "HEARD", key: "k" });
  heardFirst.send(answer);
  const heardLast = askingSage();
  heardLast.send(answer);
  heardLast.send({ type: "HEARD", key: "k" });
  for (const conversation of [heardFirst, heardLast]) {
    finish(conversation);
    expect([conversation.value, conversation.context.queue, conversation.context.asked]).toEqual(["idle", [], []]);
  }
});

test("what was never asked, and what comes to an agent that is gone, is dropped", () => {
  const conversation = asking();
  conversation.send(answer);
  finish(conversation);
  expect(conversation.value).toBe("idle");
  const gone = askingSage();
  gone.send({ type: "CLOSE", reason: "Scout is gone." });
  gone.done("reply");
  gone.send(answer);
  expect([gone.value, gone.context.queue]).toEqual(["idle", []]);
});

test("a person's edit of the message that it is for changes nothing of it", () => {
  const conversation = askingSage();
  conversation.send(answer);
  conversation.send({ type: "EDITED", edits: about.eventId, sender: about.sender, text: "something else" });
  expect(conversation.context.queue).toMatchObject([{ text: "Sunny." }]);
});

test("one that failed can be asked again", () => {
  const conversation = askingSage();
  conversation.send(answer);
  finish(conversation);
  conversation.done("ask", { text: "" });
  conversation.done("reply");
  conversation.send(command("retry"));
  expect(turnOf(conversation, "ask").question).toMatchObject({ retry: "$retry", text: "Sunny." });
});
