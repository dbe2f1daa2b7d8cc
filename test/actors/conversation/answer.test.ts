import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GrowingAnswer, spoken } from "../../../src/actors/conversation/answer.ts";
import type { TurnEvent } from "../../../src/letta/port.ts";

const silence = "<no-reply/>";

function text(delta: string, messageId = "m1"): TurnEvent {
  return { type: "text", messageId, delta };
}

function growing(...events: readonly TurnEvent[]): GrowingAnswer {
  const answer = new GrowingAnswer();
  for (const event of events) answer.take(event);
  return answer;
}

describe("an answer", () => {
  test("is all its messages, a paragraph each", () => {
    const answer = growing(text("one "), text("two", "m2"), text("more\n"), text(" ", "m3"));
    expect(answer.text).toBe("one more\n\ntwo");
  });

  test("loses what the model took back", () => {
    expect(growing(text("half an"), { type: "withdrawn", messageId: "m1" }, text("whole", "m2")).text).toBe("whole");
  });

  test("is whole only when its turn has ended", () => {
    const answer = growing({ type: "accepted" }, text("so"), { type: "tool", name: "t", outcome: "approved" });
    expect(answer.finished).toBe(false);
    answer.take({ type: "finished", stopReason: "end_turn" });
    expect(answer.finished).toBe(true);
  });
});

describe("#32 the word for silence", () => {
  test.each([
    [silence, silence],
    [` ${silence}\n`, silence],
    [`I look.\n\n${silence}`, silence],
    [`${silence}\n\nNo, wait.`, "No, wait."],
    [`one\n\n${silence}\n\ntwo`, "one\n\ntwo"],
    ["to stay silent, say <no-reply/> alone", "to stay silent, say <no-reply/> alone"],
    ["plain", "plain"],
  ])("in %j leaves %j to be said", (whole, said) => {
    expect(spoken(whole)).toBe(said);
  });

  test("is never shown, however it comes", () => {
    const pieces = fc.array(fc.constantFrom("<", "no-", "reply", "/>", silence, "\n\n", "so", " "), { maxLength: 12 });
    fc.assert(
      fc.property(pieces, (deltas) => {
        const answer = new GrowingAnswer();
        for (const delta of deltas) {
          answer.take(text(delta));
          expect(answer.showable.split("\n\n").map((paragraph) => paragraph.trim())).not.toContain(silence);
        }
      }),
    );
  });

  test("is not shown by halves, nor does it change what was said before it while it comes", () => {
    const before = fc.constantFrom("", "one", "one\n\ntwo");
    fc.assert(
      fc.property(before, fc.integer({ min: 1, max: silence.length }), fc.boolean(), (said, length, isMessage) => {
        const part = silence.slice(0, length);
        const answer = isMessage
          ? growing(text(said), text(part, "m2"))
          : growing(text(said === "" ? part : `${said}\n\n${part}`));
        expect(answer.showable).toBe(said);
      }),
    );
  });

  test("does not hold back what only begins like it", () => {
    expect(growing(text("<no")).showable).toBe("");
    expect(growing(text("<no way>")).showable).toBe("<no way>");
    expect(growing(text("so"), text("<no", "m2")).showable).toBe("so");
  });
});
