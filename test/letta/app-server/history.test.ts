import { describe, expect, it } from "vitest";
import type { Request } from "../../../src/letta/app-server/connection.ts";
import { readPast, readTurn } from "../../../src/letta/app-server/history.ts";

const never = new AbortController().signal;
const conversation = { agentId: "agent-1", conversationId: "conversation-1" };

interface Entry {
  readonly message_type: string;
  readonly otid?: string;
  readonly content?: unknown;
}

const asked = (otid: string, text: string): Entry => ({
  message_type: "user_message",
  otid,
  content: [{ type: "text", text }],
});
const said = (text: string): Entry => ({ message_type: "assistant_message", content: [{ type: "text", text }] });
const call: Entry = { message_type: "approval_request_message" };
const result: Entry = { message_type: "tool_return_message" };

/** A history, oldest first, handed out as Letta does: newest first, in pages. */
function historyOf(entries: readonly Entry[]): { readonly request: Request; readonly pages: () => number } {
  const newestFirst = entries.map((entry, index) => ({ id: `ui-msg-${index}`, ...entry })).reverse();
  let pages = 0;
  const request: Request = async (command, schema) => {
    pages += 1;
    const query: unknown = command["query"];
    const before: unknown = Reflect.get(Object(query), "before");
    const limit = Number(Reflect.get(Object(query), "limit"));
    const from = before === undefined ? 0 : newestFirst.findIndex(({ id }) => id === before) + 1;
    const messages = newestFirst.slice(from, from + limit);
    const has_more = from + limit < newestFirst.length;
    return schema.parse({ messages, has_more, next_before: messages.at(-1)?.id ?? null });
  };
  return { request, pages: () => pages };
}

const read = (entries: readonly Entry[], otid = "q") => readTurn(historyOf(entries).request, conversation, otid, never);

describe("what the history has of a turn", () => {
  it("is nothing when no message has the otid", async () => {
    expect(await read([asked("other", "Hello"), said("Hi")])).toBeUndefined();
    expect(await read([])).toBeUndefined();
  });

  it("has no text before the first token", async () => {
    expect(await read([said("old"), asked("q", "Hello")])).toEqual({ text: "", endsInText: false, latest: true });
  });

  it("is all its texts, a paragraph each, and not those of the turns around it", async () => {
    const entries = [
      asked("a", "Before"),
      said("old"),
      asked("q", "Hello"),
      said("Let me see."),
      call,
      result,
      said(" Done. "),
    ];
    expect(await read(entries)).toEqual({
      text: "Let me see.\n\nDone.",
      endsInText: true,
      calledTool: true,
      latest: true,
    });
    expect(await read([...entries, asked("b", "After"), said("new")])).toEqual({
      text: "Let me see.\n\nDone.",
      endsInText: true,
      calledTool: true,
      latest: false,
    });
  });

  it("does not end in text while a tool has the last word", async () => {
    expect(await read([asked("q", "Hello"), said("Let me see."), call])).toMatchObject({ endsInText: false });
    expect(await read([asked("q", "Hello"), said("Let me see."), call, result])).toMatchObject({ endsInText: false });
  });

  it("forgets what a model wrote before Letta repeated the message", async () => {
    const entries = [asked("q", "Hello"), said("ha"), asked("r1", "Hello"), said("hal"), asked("r2", "Hello")];
    expect(await read(entries)).toEqual({ text: "", endsInText: false, latest: true });
    expect(await read([...entries, said("whole")])).toEqual({ text: "whole", endsInText: true, latest: true });
  });

  it("passes over Letta's own notes to the agent", async () => {
    const note = asked("n", "<system-reminder>One.</system-reminder>\n<system-reminder>Two.</system-reminder>\n");
    expect(await read([asked("q", "Hello"), call, result, note, said("Done")])).toMatchObject({
      text: "Done",
      latest: true,
    });
  });

  it("is that of the newest message when several have the otid", async () => {
    const entries = [asked("q", "Hello"), said("first"), asked("b", "Else"), asked("q", "Hello"), said("second")];
    expect(await read(entries)).toMatchObject({ text: "second" });
  });

  it("is found pages back, and the search ends with the history", async () => {
    const many = Array.from({ length: 120 }, (_, index) => asked(`m${index}`, `Message ${index}`));
    expect(await read([asked("q", "Hello"), said("Hi"), ...many])).toMatchObject({ text: "Hi", latest: false });
    const history = historyOf(many);
    expect(await readTurn(history.request, conversation, "q", never)).toBeUndefined();
    expect(history.pages()).toBe(3);
  });
});

describe("an agent's own past", () => {
  const past = (entries: readonly Entry[], limit = 15) => readPast(historyOf(entries).request, "agent-1", limit, never);

  it("is what was said last, the oldest first, without Letta's own notes and tool calls", async () => {
    const entries = [
      asked("a", "Hello <system-reminder>be nice</system-reminder>"),
      said("Hi"),
      asked("b", "<system-reminder>the time is now</system-reminder>"),
      asked("c", "What now?"),
      call,
      result,
      said(" Done. "),
    ];
    expect(await past(entries)).toEqual([
      { id: "ui-msg-0", speaker: "user", text: "Hello" },
      { id: "ui-msg-1", speaker: "agent", text: "Hi" },
      { id: "ui-msg-3", speaker: "user", text: "What now?" },
      { id: "ui-msg-6", speaker: "agent", text: "Done." },
    ]);
    expect((await past(entries, 2)).map(({ text }) => text)).toEqual(["What now?", "Done."]);
  });

  it("reads as many pages as it needs, and no more", async () => {
    const entries = Array.from({ length: 200 }, (_, n) => (n % 100 === 0 ? said(`text ${n}`) : call));
    const history = historyOf(entries);
    expect(await readPast(history.request, "agent-1", 1, never)).toHaveLength(1);
    expect(history.pages()).toBe(2);
    expect(await past(entries)).toHaveLength(2);
    expect(await past([])).toEqual([]);
  });
});
