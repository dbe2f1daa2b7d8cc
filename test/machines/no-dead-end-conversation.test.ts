import { describe, expect, test, vi } from "vitest";
import type { ActorEvent } from "../../src/runtime/record.ts";
import { approval, command, drive, question } from "./charts-under-test.ts";
import { bad, type Explored, explore, good } from "./explore.ts";
import { restingStates } from "./resting-states.ts";

/** From whatever state a conversation can come into, it gets to rest once things go well. */

/** Thousands of states take a second or two, and several on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

describe("conversation", () => {
  const leaves = new Set<string>();

  test.each([
    ["every day", () => everyday],
    ["after a restore", () => afterRestore],
    ["while its agent is paused", () => whilePaused],
    ["after a restore while its agent is paused", () => pausedAtRestore],
  ])("%s", (_, events) => {
    for (const leaf of exploreConversation(events()).leaves) leaves.add(leaf);
  });

  test("comes into each of its states in one of these ways", () =>
    expect(restingStates("conversation").filter((state) => !leaves.has(state))).toEqual([]));
});

const everyday: readonly ActorEvent[] = [
  { type: "MESSAGE", question: question(1) },
  { type: "MESSAGE", question: question(1, { unreadable: "no images" }) },
  { type: "EDITED", edits: "$question-1", sender: "@anna:test", text: "new" },
  { type: "CUT", gap: "s1" },
  { type: "CLOSE", reason: "It is gone." },
  { type: "DRAFTING" },
  { type: "DRAFTED", eventId: "$draft" },
  { type: "TOOL_APPROVED", tool: "archive" },
  { type: "deadLetter", letter: { type: "MESSAGE", question: question(1) } },
  { type: "APPROVAL_WANTED", approval: approval(1) },
  { type: "APPROVAL_SHOWN", eventId: "$request" },
  command("approve"),
  command("deny", { reactionTo: "$request" }),
  command("stop"),
  command("retry"),
];

/** It comes at any time; what differs afterwards by a draft or a decision has been walked through above. */
const afterRestore: readonly ActorEvent[] = [
  { type: "restored", store: "store-2" },
  { type: "MESSAGE", question: question(1) },
  { type: "MESSAGE", question: question(1, { unreadable: "no images" }) },
  { type: "CLOSE", reason: "It is gone." },
  { type: "DRAFTING" },
  { type: "TOOL_APPROVED", tool: "archive" },
  { type: "deadLetter", letter: { type: "MESSAGE", question: question(1) } },
  { type: "APPROVAL_WANTED", approval: approval(1) },
  command("stop"),
  command("retry"),
];

const whilePaused: readonly ActorEvent[] = [
  { type: "PAUSED" },
  { type: "RESUMED" },
  { type: "MESSAGE", question: question(1) },
  { type: "CLOSE", reason: "It is gone." },
  command("stop"),
];

const pausedAtRestore: readonly ActorEvent[] = [
  { type: "PAUSED" },
  { type: "restored", store: "store-2" },
  { type: "MESSAGE", question: question(1) },
];

function exploreConversation(events: readonly ActorEvent[]): Explored {
  return explore({
    start: drive.conversation(),
    endings: {
      openConversation: [good({ conversationId: "letta-1" }), bad("unreachable"), bad("refused")],
      ask: [
        good({ text: "an answer" }),
        good({ text: "" }),
        good({ text: "<no-reply/>" }),
        good({ text: "half", stopped: true }),
        bad("unreachable"),
        bad("busy"),
        bad("lost"),
        bad("gone"),
        bad("held"),
        bad("failed"),
      ],
      lookWhetherPaused: [good({ paused: false }), good({ paused: true }), bad("")],
      showWait: [good({ eventId: "$draft" }), bad("limited")],
      reply: [good(), bad("unreachable"), bad("too-large"), bad("forbidden")],
      withdrawDraft: [good(), bad("unreachable"), bad("missing")],
      findAnswered: [good({ answered: [] }), good({ answered: ["$question-1"] }), bad("limited"), bad("forbidden")],
    },
    events,
    distinguish: ({ conversationId, queue, current, closed, failed, paused }) => [
      paused,
      failed !== undefined,
      conversationId,
      closed !== undefined,
      Math.min(queue.length, 1),
      current && [
        Math.min(current.attempt, 2),
        Math.min(current.tries, 2),
        current.drafting,
        current.toolApproved,
        current.stopping,
        current.approval !== undefined,
        current.approval?.eventId !== undefined,
        current.answer?.outcome,
        current.question.unreadable !== undefined,
        current.question.maybeAsked,
      ],
    ],
    check: (actor) => {
      const where = JSON.stringify(actor.value);
      if (/backingOff|Later/.test(where)) expect(actor.context.wait, where).toBeDefined();
      const isPaused = actor.in("paused.waiting");
      if (isPaused) expect(actor.context.wait?.reason, where).toBe("the agent is paused");
      if (isPaused) expect([...actor.running, ...actor.timers], where).toEqual([]);
      if (where === '"idle"') expect(actor.context).toMatchObject({ queue: [] });
    },
    settled: (actor) => actor.in("idle") || actor.in("paused.waiting"),
  });
}
