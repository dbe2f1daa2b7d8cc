import { describe, expect, it } from "vitest";
import { Answer } from "../../demo/answer.ts";
import type { MatrixEvent } from "../../src/matrix/port.ts";

const agent = "@agent_1:localhost";

function event(body: string, mark: object, rest: object = {}): MatrixEvent {
  const turn = { cause: "$question", attempt: 1, part: 1, parts: 1, final: false, hops: 0, ...mark };
  return {
    eventId: "$event",
    type: "m.room.message",
    sender: agent,
    originServerTs: 0,
    content: { msgtype: "m.notice", body, "io.letta_matrix.turn": turn },
    ...rest,
  };
}

describe("an answer as the person sees it", () => {
  it("grows with its drafts and ends with the final", () => {
    const answer = new Answer("$question", agent);
    expect(answer.take(event("one", {}))).toBe(true);
    const edit = event("* one two", {});
    answer.take({ ...edit, content: { ...edit.content, "m.new_content": { body: "one two" } } });
    expect([answer.text, answer.outcome]).toEqual(["one two", undefined]);
    answer.take(event("one two three", { final: true, outcome: "answer" }));
    expect([answer.text, answer.outcome]).toEqual(["one two three", "answer"]);
  });

  it("consists of all its parts, in order, and ends with the last", () => {
    const answer = new Answer("$question", agent);
    answer.take(event("first", { parts: 2 }));
    answer.take(event("second", { part: 2, parts: 2, final: true, outcome: "answer" }));
    expect([answer.text, answer.outcome]).toEqual(["first\n\nsecond", "answer"]);
  });

  it("can be an error", () => {
    const answer = new Answer("$question", agent);
    answer.take(event("The model refused.", { final: true, outcome: "error" }));
    expect(answer.outcome).toBe("error");
  });

  it("is made of nobody else's events and of none to another question", () => {
    const answer = new Answer("$question", agent);
    expect(answer.take(event("not mine", { final: true }, { sender: "@you:localhost" }))).toBe(false);
    expect(answer.take(event("earlier", { cause: "$other", final: true }))).toBe(false);
    expect(answer.take(event("", {}, { content: { msgtype: "m.text", body: "no marker" } }))).toBe(false);
    expect([answer.text, answer.outcome]).toEqual(["", undefined]);
  });
});
