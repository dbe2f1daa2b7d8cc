import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { cutNotice, draftContent, draftEdit, finalContent } from "../../../src/actors/conversation/content.ts";
import { Markdown } from "../../../src/actors/conversation/markdown.ts";
import { turnMarker, turnMarkOf } from "../../../src/actors/marker.ts";
import type { Question } from "../../../src/machines/question.ts";
import { anyText } from "../any-text.ts";

// Much is tried here: on a busy machine it takes its time.
vi.setConfig({ testTimeout: 60_000 });

const markdown = new Markdown();
const question: Question = { eventId: "$asked", sender: "@anna:test", sentAt: 1, text: "why?", mentioned: false };
const threaded: Question = { ...question, thread: "$root" };
const final = { question, attempt: 2, outcome: "answer", text: "**so**", part: 1, parts: 1 } as const;
const asker = { user_ids: ["@anna:test"] };
const reply = { "m.in_reply_to": { event_id: "$asked" } };

describe("a draft", () => {
  const mark = { cause: "$asked", attempt: 2, part: 1, parts: 1, final: false, hops: 0 };

  test("is a notice that rings nobody", () => {
    expect(draftContent(question, 2, "so")).toEqual({
      msgtype: "m.notice",
      body: "so",
      "m.mentions": {},
      "m.relates_to": reply,
      [turnMarker]: mark,
    });
  });

  test("is edited by notices that ring nobody, the same on both levels", () => {
    expect(draftEdit(question, 2, "so f", "$draft")).toEqual({
      msgtype: "m.notice",
      body: "* so f",
      "m.mentions": {},
      [turnMarker]: mark,
      "m.new_content": { msgtype: "m.notice", body: "so f", "m.mentions": {}, [turnMarker]: mark },
      "m.relates_to": { rel_type: "m.replace", event_id: "$draft" },
    });
  });
});

describe("a final", () => {
  const mark = { cause: "$asked", attempt: 2, part: 1, parts: 1, final: true, outcome: "answer", hops: 0 };
  const html = "<p><strong>so</strong></p>";
  const format = "org.matrix.custom.html";

  test("without a draft is a text that mentions its asker", () => {
    expect(finalContent(final, markdown)).toEqual({
      msgtype: "m.text",
      body: "**so**",
      format,
      formatted_body: html,
      "m.mentions": asker,
      "m.relates_to": reply,
      [turnMarker]: mark,
    });
  });

  test("in place of a draft carries type, mention and mark on both levels", () => {
    const fresh = {
      msgtype: "m.text",
      body: "**so**",
      format,
      formatted_body: html,
      "m.mentions": asker,
      [turnMarker]: mark,
    };
    expect(finalContent({ ...final, draft: "$draft" }, markdown)).toEqual({
      ...fresh,
      body: "* **so**",
      formatted_body: `* ${html}`,
      "m.new_content": fresh,
      "m.relates_to": { rel_type: "m.replace", event_id: "$draft" },
    });
  });

  test("in several parts mentions in the first, and is final in the last", () => {
    const parts = [1, 2, 3].map((part) => finalContent({ ...final, part, parts: 3 }, markdown));
    expect(parts.map((content) => content["m.mentions"])).toEqual([asker, {}, {}]);
    expect(parts.map((content) => turnMarkOf(content)?.final)).toEqual([false, false, true]);
  });

  test("that is an error says so in its mark", () => {
    expect(turnMarkOf(finalContent({ ...final, outcome: "error" }, markdown))).toMatchObject({ outcome: "error" });
  });

  test("#30 stands where its question stands", () => {
    expect(finalContent({ ...final, question: threaded }, markdown)["m.relates_to"]).toEqual({
      ...reply,
      rel_type: "m.thread",
      event_id: "$root",
      is_falling_back: false,
    });
    expect(draftContent(threaded, 1, "so")["m.relates_to"]).toMatchObject({ rel_type: "m.thread", event_id: "$root" });
  });
});

test("the notice about a cut rings nobody and answers nothing", () => {
  expect(cutNotice()).toEqual({ msgtype: "m.notice", body: expect.any(String), "m.mentions": {} });
  expect(turnMarkOf(cutNotice())).toBeUndefined();
});

test("whatever the agent says, its events are whole Unicode and carry a mark that can be read back", () => {
  fc.assert(
    fc.property(anyText(), fc.option(fc.constant("$draft"), { nil: undefined }), (text, draft) => {
      const contents = [
        finalContent({ ...final, text, ...(draft !== undefined && { draft }) }, markdown),
        draftContent(question, 1, text),
        draftEdit(question, 1, text, "$draft"),
      ];
      for (const content of contents) {
        expect(JSON.stringify(content)).not.toMatch(/\\ud[89a-f]/i);
        expect(turnMarkOf(JSON.parse(JSON.stringify(content)))).toMatchObject({ cause: "$asked" });
      }
    }),
  );
});
