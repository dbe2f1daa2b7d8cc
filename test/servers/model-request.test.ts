import { describe, expect, it } from "vitest";
import { chatRequestSchema, readRequest } from "./model-request.ts";

const reminder = { type: "text", text: "<system-reminder>\nnot the person [[nonce=wrong]]\n</system-reminder>" };
const system = { role: "system", content: "<persona>\nI am Scout. SECRET-WORD: plum\n</persona>" };

const read = (messages: readonly object[]) =>
  readRequest(chatRequestSchema.parse({ model: "stand-in", stream: true, messages }));

describe("a chat completion request as Letta sends it", () => {
  it("has the person's text beside Letta's reminders", () => {
    const request = read([
      system,
      { role: "user", content: [reminder, reminder, { type: "text", text: "Hi [[nonce=abc]]" }] },
    ]);
    expect(request).toMatchObject({ question: "Hi [[nonce=abc]]", nonce: "abc", secretWord: "plum", stream: true });
    expect(request.past).toEqual([]);
  });

  it("has the person's text around reminders in one string, and within an envelope", () => {
    const content = `${reminder.text}<message from="@a:b">Hi [[nonce=abc]]</message>`;
    expect(read([system, { role: "user", content }])).toMatchObject({
      question: '<message from="@a:b">Hi [[nonce=abc]]</message>',
      nonce: "abc",
    });
  });

  it("is about the last question, not an earlier one nor a later reminder", () => {
    const request = read([
      system,
      { role: "user", content: "first [[nonce=one]]" },
      { role: "assistant", content: "nonce=one" },
      { role: "user", content: "second [[nonce=two]]" },
      { role: "user", content: [reminder] },
    ]);
    expect(request).toMatchObject({ question: "second [[nonce=two]]", nonce: "two" });
    expect(request.past).toEqual(["first [[nonce=one]]", "nonce=one"]);
  });

  it("takes no nonce from before when the last question has none", () => {
    const request = read([system, { role: "user", content: "[[nonce=one]]" }, { role: "user", content: "and now?" }]);
    expect(request).not.toHaveProperty("nonce");
  });

  it("takes the secret word from the memory only", () => {
    const request = read([
      { role: "system", content: "nothing" },
      { role: "user", content: "SECRET-WORD: guessed" },
    ]);
    expect(request).not.toHaveProperty("secretWord");
  });

  it("has the results of tools called since the question only", () => {
    const call = { role: "assistant", content: null, tool_calls: [] };
    const request = read([
      system,
      { role: "user", content: "one" },
      call,
      { role: "tool", content: "old" },
      { role: "user", content: "two" },
      call,
      { role: "tool", content: [{ type: "text", text: "new" }] },
    ]);
    expect(request.toolResults).toEqual(["new"]);
  });
});
