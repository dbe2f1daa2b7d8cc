import { describe, expect, test } from "vitest";
import { fateOf, type Look, trace } from "../../../src/letta/rest/fate.ts";
import type { HistoryEntry, Run } from "../../../src/letta/rest/frames.ts";
import { oldestFirst } from "../../../src/letta/rest/order.ts";
import { ManualTimer } from "../app-server/manual-timer.ts";

const otid = "otid-1";
const entry = (message_type: string, more: Partial<HistoryEntry> = {}): HistoryEntry => ({
  id: `message-${message_type}`,
  message_type,
  run_id: "run-1",
  ...more,
});
const question = entry("user_message", { otid });
const answer = (content: string, more: Partial<HistoryEntry> = {}) => entry("assistant_message", { content, ...more });
const toolCall = (type: string) => entry(type, { tool_call: { name: "send_mail", tool_call_id: "call-1" } });

/** A server whose history is another at each look, the last one for ever. */
function look(histories: readonly (readonly HistoryEntry[])[], runs: Readonly<Record<string, Partial<Run>>>): Look {
  const left = [...histories];
  return {
    api: {
      url: "http://letta",
      history: async () => (left.length > 1 ? left.shift() : left[0]) ?? [],
      run: async (id) => ({ id, status: "running", ...runs[id] }),
      activeRuns: async () => [],
      resume: async () => undefined,
    },
    startTimer: new ManualTimer().start,
    conversation: { agentId: "agent-1", conversationId: "conv-1" },
    otid,
    told: undefined,
    keepsStreams: true,
    lockMs: 1_000,
    signal: new AbortController().signal,
  };
}

const completed = { status: "completed", stop_reason: "end_turn" };

/** A stream of a run that says nothing more. */
async function* silentRun(run_id: string) {
  yield { message_type: "ping", run_id };
}
const streamOf = (run_id: string) => Object.assign(silentRun(run_id), { controller: new AbortController() });

describe("the fate of a message whose tool call waits", () => {
  const waiting = [question, toolCall("approval_request_message")];

  test("is that of the run which the answer to it began, though the history does not know that yet", async () => {
    const base = look([waiting], { "run-1": { status: "completed", stop_reason: "requires_approval" } });
    const asked: object[] = [];
    const resume = async (_: unknown, which: object) => {
      asked.push(which);
      return streamOf("run-2");
    };
    const found = await trace({ ...base, api: { ...base.api, resume } });
    expect(found).toMatchObject({ runId: "run-2", record: { waiting: [], runId: "run-2" } });
    expect(asked).toHaveLength(1);
    expect(asked).not.toContainEqual({ otid });
  });

  test.each([
    ["a young run may be the tool's: it is left open", 0, "busy"],
    ["an old one died with its server: the tool may have run", 2_000, "lost"],
  ] as const)("without kept streams: %s", async (_, age, outcome) => {
    const base = look([waiting], {});
    const active = { id: "run-2", status: "running", created_at: new Date(Date.now() - age).toISOString() };
    const api = { ...base.api, activeRuns: async () => [active] };
    const fate = fateOf({ ...base, keepsStreams: false, api });
    if (outcome === "busy") await expect(fate).rejects.toMatchObject({ kind: "busy" });
    else expect(await fate).toEqual({ state: "lost", ranTool: "send_mail" });
  });
});

describe("the fate of a message", () => {
  test("is its whole answer when its turn ended while the history was being read", async () => {
    const histories = [
      [question, answer("One moment.")],
      [question, answer("One moment."), answer("Done.", { id: "2" })],
    ];
    expect(await fateOf(look(histories, { "run-1": completed }))).toEqual({
      state: "answered",
      text: "One moment.\n\nDone.",
    });
  });

  test("is open when a tool call began to wait while the history was being read", async () => {
    const histories = [[question], [question, toolCall("approval_request_message")]];
    expect(await fateOf(look(histories, { "run-1": completed }))).toEqual({ state: "running" });
  });

  test("is open when its turn went on in another run while the history was being read", async () => {
    const histories = [[question], [question, answer("More.", { run_id: "run-2" })]];
    expect(await fateOf(look(histories, { "run-1": completed }))).toEqual({ state: "running" });
  });

  test("is lost when its turn was cancelled, though a late answer stands in the history", async () => {
    const runs = { "run-1": { status: "cancelled", stop_reason: "cancelled" } };
    expect(await fateOf(look([[question, answer("Too late.")]], runs))).toEqual({ state: "lost" });
  });

  test("names the tool that ran in a turn that is lost", async () => {
    const histories = [[question, toolCall("tool_call_message")]];
    expect(await fateOf(look(histories, { "run-1": { status: "failed" } }))).toEqual({
      state: "lost",
      ranTool: "send_mail",
    });
  });

  test("is unknown when neither history nor streams know of it", async () => {
    expect(await fateOf(look([[]], {}))).toEqual({ state: "unknown" });
  });
});

describe("a page of the newest entries", () => {
  const at = (second: number) => answer("", { id: `m${second}`, date: `2026-01-01T10:00:0${second}Z` });
  const [one, two, three] = [at(1), at(2), at(3)];

  test.each([
    ["the newest first", [three, two, one]],
    ["the oldest first", [one, two, three]],
  ])("that came %s is told by its dates, whichever conversation it is of", (_, page) => {
    for (const isOwn of [true, false]) expect(oldestFirst(page, isOwn)).toEqual([one, two, three]);
  });

  test("keeps the parts of one message in their order", () => {
    const call = { ...toolCall("tool_call_message"), id: two.id, date: two.date };
    expect(oldestFirst([two, call, one], false)).toEqual([one, two, call]);
  });

  test("without dates is taken as the server gives it", () => {
    const [a, b] = [answer("a", { id: "a" }), answer("b", { id: "b" })];
    expect(oldestFirst([b, a], false)).toEqual([a, b]);
    expect(oldestFirst([a, b], true)).toEqual([a, b]);
  });
});
