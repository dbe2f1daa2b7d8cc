import { and, not, raise } from "xstate";
import { timeOf } from "../wait.ts";
import { newIn } from "./answering.ts";
import { type AgentContext, handOn, invitationsIn, type LetInto, pollInput } from "./context.ts";
import { withoutOwed } from "./owed.ts";
import { agentSetup } from "./setup.ts";

type LetIn = { readonly context: AgentContext; readonly event: LetInto };

/** However it listens just then: nobody else may ever tell of it. Who is left out hears it by a look when it is back. */
const letIn = {
  LET_IN: {
    guard: "isServed",
    actions: [
      { type: "noteChange", params: ({ event }: LetIn) => event },
      { type: "holdBack", params: ({ event }: LetIn) => event },
      {
        type: "tell",
        params: ({ context, event }: LetIn) => handOn(context, { heard: withoutOwed(context, event.heard) }),
      },
    ],
  },
} as const;

/** What the agent hears, from all rooms it is in. */
export const intake = agentSetup.createStateConfig({
  initial: "deaf",
  states: {
    deaf: {
      always: [
        { guard: and(["hasRoom", "isListening", "isInTouch"]), target: "pushed" },
        { guard: and(["hasRoom", "isListening", "hasCursor"]), target: "polling" },
        { guard: and(["hasRoom", "isListening"]), target: "catchingUp" },
      ],
      on: letIn,
    },
    catchingUp: {
      always: { guard: not("isListening"), target: "deaf" },
      on: {
        ...letIn,
        MOVED: "deaf",
        restored: {
          target: "deaf",
          actions: [{ type: "forgetCursor", params: ({ event }) => event }, "lookAgain"],
        },
      },
      invoke: {
        id: "catchUp",
        src: "catchUp",
        input: ({ context }) => pollInput(context),
        onDone: [
          {
            guard: {
              type: "isInvited",
              params: ({ context, event }) => newIn(context, event.output, timeOf(event)),
            },
            target: "polling",
            actions: [
              { type: "advance", params: ({ event }) => event.output },
              { type: "noteFound", params: ({ event }) => event.output },
              { type: "tell", params: ({ context, event }) => handOn(context, event.output) },
              {
                type: "answerInvitations",
                params: ({ context, event }) => invitationsIn(context, newIn(context, event.output, timeOf(event))),
              },
              { type: "beginAnswering", params: ({ event }) => event.output },
              { type: "goOn", params: { concern: "intake" } },
            ],
          },
          {
            target: "polling",
            actions: [
              { type: "advance", params: ({ event }) => event.output },
              { type: "noteFound", params: ({ event }) => event.output },
              { type: "tell", params: ({ context, event }) => handOn(context, event.output) },
              { type: "goOn", params: { concern: "intake" } },
            ],
          },
        ],
        onError: {
          target: "troubled",
          actions: { type: "fail", params: ({ event }) => ({ concern: "intake" as const, event }) },
        },
      },
    },
    polling: {
      always: [
        { guard: not("isListening"), target: "deaf" },
        { guard: "isInTouch", target: "pushed" },
      ],
      on: {
        ...letIn,
        MOVED: "deaf",
        restored: {
          target: "deaf",
          actions: [{ type: "forgetCursor", params: ({ event }) => event }, "lookAgain"],
        },
      },
      invoke: {
        id: "poll",
        src: "poll",
        input: ({ context }) => pollInput(context),
        onDone: [
          {
            guard: { type: "isInvited", params: ({ event }) => event.output },
            target: "polling",
            reenter: true,
            actions: [
              { type: "advance", params: ({ event }) => event.output },
              { type: "noteChange", params: ({ event }) => event.output },
              { type: "tell", params: ({ context, event }) => handOn(context, event.output) },
              { type: "answerInvitations", params: ({ context, event }) => invitationsIn(context, event.output) },
              { type: "goOn", params: { concern: "intake" } },
            ],
          },
          {
            target: "polling",
            reenter: true,
            actions: [
              { type: "advance", params: ({ event }) => event.output },
              { type: "noteChange", params: ({ event }) => event.output },
              { type: "tell", params: ({ context, event }) => handOn(context, event.output) },
              { type: "goOn", params: { concern: "intake" } },
            ],
          },
        ],
        onError: {
          target: "troubled",
          actions: { type: "fail", params: ({ event }) => ({ concern: "intake" as const, event }) },
        },
      },
    },
    /**
     * The homeserver tells of everything by itself: nothing runs meanwhile. Whatever ends it is followed by a first look,
     * for what is pushed in between is not heard.
     */
    pushed: {
      always: { guard: not("isListening"), target: "deaf", actions: "loseTouch" },
      on: {
        ...letIn,
        LOOK_BACK: { target: "deaf", actions: "loseTouch" },
        /** What was said in the other room already was not taken for said to the agent. */
        MOVED: { target: "deaf", actions: "loseTouch" },
        restored: {
          target: "deaf",
          actions: [{ type: "forgetCursor", params: ({ event }) => event }, "loseTouch", "lookAgain"],
        },
        PUSHED: [
          {
            guard: { type: "isInvited", params: ({ event }) => event },
            actions: [
              { type: "noteChange", params: ({ event }) => event },
              { type: "holdBack", params: ({ event }) => event },
              {
                type: "tell",
                params: ({ context, event }) => handOn(context, { heard: withoutOwed(context, event.heard) }),
              },
              {
                type: "considerInvitations",
                params: ({ context, event }) => invitationsIn(context, event),
              },
            ],
          },
          {
            actions: [
              { type: "noteChange", params: ({ event }) => event },
              { type: "holdBack", params: ({ event }) => event },
              {
                type: "tell",
                params: ({ context, event }) => handOn(context, { heard: withoutOwed(context, event.heard) }),
              },
            ],
          },
        ],
      },
    },
    troubled: {
      always: [
        {
          guard: { type: "isTokenOld", params: { concern: "intake" } },
          target: "renewing",
        },
        { guard: { type: "isTokenRefused", params: { concern: "intake" } }, target: "renewingLater" },
        { guard: and(["hasCursor", "isCursorRefused"]), target: "deaf", actions: "dropCursor" },
        { target: "backingOff" },
      ],
    },
    renewing: {
      entry: raise({ type: "TOKEN_REFUSED" }),
      always: { guard: not("isOnline"), target: "deaf" },
    },
    renewingLater: {
      always: { guard: not("isListening"), target: "deaf" },
      on: letIn,
      after: { intakeRetry: "renewing" },
    },
    backingOff: { always: { guard: not("isServed"), target: "deaf" }, on: letIn, after: { intakeRetry: "deaf" } },
  },
});
