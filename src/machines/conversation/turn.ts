import { not } from "xstate";
import { errorAnswer, remarks, stoppedAnswer } from "../wording.ts";
import { decided, remark, turnInput } from "./context.ts";
import { conversationSetup } from "./setup.ts";

/** One question at Letta, from its being asked to its end, in whatever way that comes. */
export const turn = conversationSetup.createStateConfig({
  invoke: {
    id: "ask",
    src: "ask",
    input: ({ context }) => turnInput(context),
    onDone: [
      {
        guard: { type: "wasStopped", params: ({ event }) => event.output },
        target: "replying",
        actions: [{ type: "answer", params: ({ event }) => stoppedAnswer(event.output.text) }, "goOn"],
      },
      {
        guard: { type: "isSilence", params: ({ event }) => event.output },
        target: "withdrawing",
        actions: "goOn",
      },
      {
        target: "replying",
        actions: [
          {
            type: "answer",
            params: ({ event: { output } }) =>
              output.text === ""
                ? { outcome: "error" as const, text: "The agent ended its turn without a word." }
                : { outcome: "answer" as const, text: output.text },
          },
          "goOn",
        ],
      },
    ],
    onError: [
      {
        guard: "isStopping",
        target: "replying",
        actions: [{ type: "answer", params: stoppedAnswer("") }, "goOn"],
      },
      {
        guard: { type: "mayAskAgain", params: ({ event }) => event },
        target: "turn",
        reenter: true,
        actions: "nextAttempt",
      },
      {
        guard: { type: "mayAskElsewhere", params: ({ event }) => event },
        target: "opening",
        actions: [{ type: "forgetIfGone", params: ({ event }) => event }, "move"],
      },
      {
        guard: { type: "isPassing", params: ({ event }) => event },
        target: "backingOff",
        actions: { type: "waitFor", params: ({ event }) => event },
      },
      {
        target: "replying",
        actions: [
          { type: "answer", params: ({ event }) => errorAnswer(event) },
          { type: "forgetIfGone", params: ({ event }) => event },
          "goOn",
        ],
      },
    ],
  },
  initial: "asking",
  on: {
    ASKED_HERE: { actions: { type: "amend", params: { askedHere: true } } },
    TOOL_APPROVED: { actions: { type: "amend", params: { toolApproved: true } } },
    DRAFTED: { actions: { type: "amend", params: ({ event }) => ({ draft: event.eventId }) } },
    DRAFTING: { actions: { type: "amend", params: { drafting: true } } },
    APPROVAL_WANTED: {
      target: ".awaitingApproval",
      actions: { type: "amend", params: ({ event }) => ({ approval: event.approval }) },
    },
    APPROVAL_SHOWN: { actions: { type: "showApproval", params: ({ event }) => event } },
    STOP: { target: ".stopping", actions: [{ type: "amend", params: { stopping: true } }, "passOn"] },
    restored: { target: "recalling", actions: "doubt" },
    CLOSE: { target: "declining", actions: { type: "close", params: ({ event }) => event } },
  },
  states: {
    asking: {
      on: { DRAFTING: { target: "streaming", actions: { type: "amend", params: { drafting: true } } } },
    },
    streaming: {},
    /** A tool call of this turn waits for a person; whoever asks something meanwhile is told so. */
    awaitingApproval: {
      after: {
        approval: {
          target: "asking",
          actions: ["decide", { type: "amend", params: ({ context }) => decided(context) }],
        },
      },
      on: {
        APPROVE: {
          guard: { type: "isAboutApproval", params: ({ event }) => event.command },
          target: "asking",
          actions: ["decide", { type: "amend", params: ({ context }) => decided(context) }],
        },
        DENY: {
          guard: { type: "isAboutApproval", params: ({ event }) => event.command },
          target: "asking",
          actions: ["decide", { type: "amend", params: ({ context }) => decided(context) }],
        },
        MESSAGE: {
          guard: not("isFull"),
          actions: [
            "enqueue",
            {
              type: "remark",
              params: ({ context, event }) => remark(context, event.question, remarks.waitsForApproval),
            },
          ],
        },
      },
    },
    /** Ends with the turn, which `ask` has Letta stop. */
    stopping: {
      on: {
        APPROVAL_WANTED: { actions: { type: "amend", params: ({ event }) => ({ approval: event.approval }) } },
        STOP: {
          actions: {
            type: "remark",
            params: ({ context, event }) => remark(context, event.command, remarks.alreadyStopping),
          },
        },
      },
    },
  },
});
