import { and } from "xstate";
import { errorAnswer, remarks, stoppedAnswer, unsendable, waitText } from "../wording.ts";
import { remark, turnInput } from "./context.ts";
import { paused } from "./paused.ts";
import { refusalOf, retryRefusalOf } from "./queue.ts";
import { recalling } from "./recalling.ts";
import { endOf, returning } from "./returned.ts";
import { conversationSetup } from "./setup.ts";
import { turn } from "./turn.ts";

/** One agent's talk in one room: takes questions one after the other, and owes each exactly one answer or plain error. */
export const conversationMachine = conversationSetup.createMachine({
  id: "conversation",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, queue: [] }),
  initial: "idle",
  on: {
    MESSAGE: [
      {
        guard: "isFull",
        actions: [
          {
            type: "refuse",
            params: ({ context: { userId, roomId, queue }, event: { question } }) => ({
              userId,
              roomId,
              question,
              text: refusalOf(queue),
            }),
          },
          {
            type: "tell",
            params: ({ context, event: { question } }) =>
              returning(context, question, { outcome: "error", text: refusalOf(context.queue) }),
          },
        ],
      },
      { actions: "enqueue" },
    ],
    ASKING: { actions: "noteAsked" },
    HEARD: { actions: [{ type: "forgetAsked", params: ({ event }) => event }, "noteHeard"] },
    RETURNED: { actions: "takeReturned" },
    EDITED: { actions: "replaceText" },
    CUT: {
      actions: {
        type: "sayCut",
        params: ({ context: { userId, roomId }, event: { gap } }) => ({ userId, roomId, gap }),
      },
    },
    CLOSE: { actions: { type: "close", params: ({ event }) => event } },
    PAUSED: { actions: "pause" },
    RESUMED: { actions: "resume" },
    STOP: {
      actions: {
        type: "remark",
        params: ({ context, event }) => remark(context, event.command, remarks.nothingToStop),
      },
    },
    RETRY: [
      { guard: "hasFailed", actions: { type: "retry", params: ({ event }) => event.command } },
      {
        actions: {
          type: "remark",
          params: ({ context, event }) =>
            remark(
              context,
              event.command,
              context.failed === undefined ? remarks.nothingToRetry : retryRefusalOf(context.queue),
            ),
        },
      },
    ],
    APPROVE: [
      { guard: { type: "isReaction", params: ({ event }) => event.command } },
      {
        actions: {
          type: "remark",
          params: ({ context, event }) => remark(context, event.command, remarks.nothingToDecide),
        },
      },
    ],
    DENY: [
      { guard: { type: "isReaction", params: ({ event }) => event.command } },
      {
        actions: {
          type: "remark",
          params: ({ context, event }) => remark(context, event.command, remarks.nothingToDecide),
        },
      },
    ],
    UNPERMITTED: {
      actions: { type: "remark", params: ({ context, event }) => remark(context, event.command, remarks.notYours) },
    },
    deadLetter: { actions: "apologise" },
    restored: { actions: "doubt" },
  },
  states: {
    idle: {
      always: [
        { guard: and(["hasQuestion", "isPaused"]), target: "paused" },
        { guard: "hasQuestion", target: "taking" },
      ],
    },
    paused,
    resumed: {
      always: [
        { guard: "isDeclined", target: "declining" },
        { guard: "isResumable", target: "turn" },
        { guard: "isHolding", target: "opening" },
        { target: "idle" },
      ],
    },
    taking: {
      entry: "takeNext",
      always: [
        { guard: "isClosed", target: "declining" },
        { guard: "isUnreadable", target: "declining" },
        { guard: "isOpen", target: "turn" },
        { target: "opening" },
      ],
    },
    declining: {
      always: {
        target: "replying",
        actions: {
          type: "answer",
          params: ({ context }) => ({
            outcome: "error" as const,
            text: context.closed ?? context.current?.question.unreadable ?? "",
          }),
        },
      },
    },
    opening: {
      on: {
        restored: { target: "recalling", actions: "doubt" },
        CLOSE: { target: "declining", actions: { type: "close", params: ({ event }) => event } },
        STOP: {
          target: "replying",
          actions: [{ type: "answer", params: stoppedAnswer("") }, "goOn"],
        },
      },
      invoke: {
        id: "openConversation",
        src: "openConversation",
        input: ({ context: { agentId, conversationId } }) => ({
          agentId,
          ...(conversationId !== undefined && { from: conversationId }),
        }),
        onDone: {
          target: "turn",
          actions: [
            { type: "opened", params: ({ event }) => event.output },
            { type: "amend", params: { tries: 0 } },
            "goOn",
          ],
        },
        onError: [
          {
            guard: { type: "isPassing", params: ({ event }) => event },
            target: "backingOff",
            actions: { type: "waitFor", params: ({ event }) => event },
          },
          /** Nothing can go on from there: a conversation without a past is better than none. */
          { guard: "isOpen", target: "opening", reenter: true, actions: "forget" },
          { target: "replying", actions: [{ type: "answer", params: ({ event }) => errorAnswer(event) }, "goOn"] },
        ],
      },
    },
    turn,
    backingOff: {
      initial: "choosing",
      after: {
        retry: [{ guard: "isPaused", target: "paused" }, { guard: "isOpen", target: "turn" }, { target: "opening" }],
      },
      on: {
        restored: { target: "recalling", actions: "doubt" },
        DRAFTING: { actions: { type: "amend", params: { drafting: true } } },
        TOOL_APPROVED: { actions: { type: "amend", params: { toolApproved: true } } },
        CLOSE: { target: "declining", actions: { type: "close", params: ({ event }) => event } },
        STOP: {
          target: "replying",
          actions: [{ type: "answer", params: stoppedAnswer("") }, "goOn"],
        },
      },
      states: {
        choosing: { always: [{ guard: "isWorthExplaining", target: "explaining" }, { target: "quiet" }] },
        explaining: {
          invoke: {
            id: "showWait",
            src: "showWait",
            input: ({ context }) => ({ ...turnInput(context), text: `${waitText(context.wait)} I keep trying.` }),
            onDone: {
              target: "quiet",
              actions: { type: "amend", params: ({ event }) => ({ draft: event.output.eventId }) },
            },
            onError: "quiet",
          },
        },
        quiet: {},
      },
    },
    replying: {
      on: { restored: { target: "recalling", actions: "doubt" } },
      invoke: {
        id: "reply",
        src: "reply",
        input: ({ context }) => turnInput(context),
        onDone: "settled",
        onError: [
          {
            guard: { type: "isSendable", params: ({ event }) => event },
            target: "replyingLater",
            actions: { type: "waitFor", params: ({ event }) => event },
          },
          {
            guard: { type: "isUnsendable", params: ({ event }) => event },
            target: "replying",
            reenter: true,
            actions: [{ type: "answer", params: ({ event }) => unsendable(event) }, "goOn"],
          },
          { target: "settled" },
        ],
      },
    },
    replyingLater: {
      on: { restored: { target: "recalling", actions: "doubt" } },
      after: { retry: "replying" },
    },
    withdrawing: {
      on: { restored: { target: "recalling", actions: "doubt" } },
      always: { guard: "showsNothing", target: "settled" },
      invoke: {
        id: "withdrawDraft",
        src: "withdrawDraft",
        input: ({ context }) => turnInput(context),
        onDone: "settled",
        onError: [
          {
            guard: { type: "isSendable", params: ({ event }) => event },
            target: "withdrawingLater",
            actions: { type: "waitFor", params: ({ event }) => event },
          },
          { target: "settled" },
        ],
      },
    },
    withdrawingLater: {
      on: { restored: { target: "recalling", actions: "doubt" } },
      after: { retry: "withdrawing" },
    },
    recalling,
    settled: {
      entry: [
        {
          type: "tell",
          params: ({ context }) => returning(context, context.current?.question, endOf(context)),
        },
        "settle",
      ],
      always: "idle",
    },
  },
});
