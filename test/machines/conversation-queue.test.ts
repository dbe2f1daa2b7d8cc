import { describe, expect, test } from "vitest";
import { largestQueue } from "../../src/machines/conversation/queue.ts";
import { asking } from "./asking.ts";
import { failure } from "./chart-driver.ts";
import { approval, command, question } from "./charts-under-test.ts";

describe("a queue of long messages", () => {
  const long = (n: number) => question(n, { text: "é".repeat(largestQueue / 8) });

  test("takes as many as it has room for in bytes, and refuses the next in its room", () => {
    const conversation = asking();
    for (const n of [2, 3, 4, 5]) conversation.send({ type: "MESSAGE", question: long(n) });
    expect(conversation.actions).toEqual([]);
    conversation.send({ type: "MESSAGE", question: question(6) });
    expect(conversation.context.queue.map(({ eventId }) => eventId)).toEqual([2, 3, 4, 5].map((n) => long(n).eventId));
    expect(conversation.actions).toMatchObject([
      { name: "refuse", input: { question: question(6), text: expect.stringContaining("Long messages are waiting") } },
    ]);
  });

  test("refuses it also while a tool call waits for approval, and takes it again when there is room", () => {
    const conversation = asking();
    conversation.send({ type: "APPROVAL_WANTED", approval: approval(1) });
    for (const n of [2, 3, 4, 5]) conversation.send({ type: "MESSAGE", question: long(n) });
    conversation.send({ type: "MESSAGE", question: question(6) });
    expect(conversation.actions.map(({ name }) => name)).toEqual([...Array(4).fill("remark"), "refuse"]);
    conversation.done("ask", { text: "answer" });
    conversation.done("reply");
    conversation.send({ type: "MESSAGE", question: question(7) });
    expect(conversation.context.queue.at(-1)).toEqual(question(7));
  });

  test("does not grow by edits: a message that has become too long is told so in its turn", () => {
    const conversation = asking();
    for (const n of [2, 3, 4]) conversation.send({ type: "MESSAGE", question: long(n) });
    conversation.send({ type: "MESSAGE", question: question(5) });
    const { text } = question(6, { text: "x".repeat(largestQueue / 2) });
    conversation.send({ type: "EDITED", edits: "$question-5", sender: "@anna:test", text });
    expect(conversation.context.queue.at(-1)).toMatchObject({ text: "", unreadable: expect.stringContaining("again") });
    expect(conversation.context.queue.slice(0, 3)).toEqual([2, 3, 4].map(long));
  });

  test("keeps one alone, however long it is", () => {
    const conversation = asking();
    const huge = question(2, { text: "x".repeat(largestQueue + 1) });
    conversation.send({ type: "MESSAGE", question: huge });
    expect(conversation.context.queue).toEqual([huge]);
  });

  test("takes no !retry, and says why", () => {
    const conversation = asking();
    conversation.fail("ask", failure("failed"));
    conversation.done("reply");
    for (const n of [2, 3, 4, 5, 6]) conversation.send({ type: "MESSAGE", question: long(n) });
    conversation.send(command("retry"));
    expect(conversation.context.queue.map(({ eventId }) => eventId)).toEqual([3, 4, 5, 6].map((n) => long(n).eventId));
    expect(conversation.actions).toMatchObject([
      { name: "remark", input: { text: expect.stringMatching(/^Long messages are waiting already/) } },
    ]);
  });
});
