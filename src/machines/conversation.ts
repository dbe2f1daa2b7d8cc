import { assign, setup } from "xstate";
import {
  type ConversationContext,
  type ConversationEvent,
  type ConversationInput,
  type Turn,
  type TurnInput,
  turnInput,
} from "./conversation-context.ts";
import { effect } from "./placeholder.ts";
import type { Answer, Question } from "./question.ts";
import { backoff, failureOf, timeOf, waitFor } from "./wait.ts";
import { errorAnswer, unsendable, waitText } from "./wording.ts";

/** One agent's talk in one room: takes questions one after the other, and owes each exactly one answer or plain error. */

/** What an agent says that does not want to answer: nobody sees it. */
export const silence = "<no-reply/>";

/** Failures that end by themselves, on Letta's side or (the token) by the agent's logging in again. */
const passing: ReadonlySet<string> = new Set(["unreachable", "busy", "token"]);
/** Failures of the homeserver after which the same event can still be sent. */
const sendable: ReadonlySet<string> = new Set(["unreachable", "limited", "token", "malformed"]);
/** Failures of Letta's conversation, not of the question: another conversation takes it. */
const elsewhere: ReadonlySet<string> = new Set(["gone", "held"]);
/** Tries while somebody else's turn runs, before the person is told. */
const mostBusyTries = 20;
/** Attempts that may leave nothing before the person is told: each takes a crash, or a cut connection, of its own. */
const mostAttempts = 6;
/** Times that a question may find its conversation unusable before the person is told. */
const mostMoves = 6;
/** Questions that may wait; the next is refused visibly. */
const longestQueue = 500;

export const conversationMachine = setup({
  types: {
    input: {} as ConversationInput,
    context: {} as ConversationContext,
    events: {} as ConversationEvent,
  },
  actors: {
    /** Opens the first conversation of the room, or one that goes on from another which takes no message any more. */
    openConversation: effect<{ conversationId: string }, { agentId: string; from?: string }>(),
    ask: effect<{ text: string }, TurnInput>(),
    showWait: effect<{ eventId: string }, TurnInput & { text: string }>(),
    reply: effect<void, TurnInput>(),
    withdrawDraft: effect<void, TurnInput>(),
  },
  actions: {
    /** Tells a person that the queue is full. */
    refuse: (_, _params: { userId: string; roomId: string; question: Question; text: string }) => undefined,
    /** Tells the room that some of what was said in it was not read. */
    sayCut: (_, _params: { userId: string; roomId: string; gap: string }) => undefined,
    enqueue: assign(({ context, event }) =>
      event.type === "MESSAGE" ? { queue: [...context.queue, event.question], closed: undefined } : {},
    ),
    close: assign((_, { reason }: { reason: string }) => ({ closed: reason })),
    replaceText: assign(({ context, event }) =>
      event.type === "EDITED"
        ? {
            queue: context.queue.map((question) =>
              question.eventId === event.edits && question.sender === event.sender
                ? { ...question, text: event.text }
                : question,
            ),
          }
        : {},
    ),
    takeNext: assign(({ context: { queue } }) => {
      const [question, ...rest] = queue;
      return question === undefined
        ? {}
        : {
            queue: rest,
            current: { question, attempt: 1, tries: 0, busyTries: 0, moves: 0, drafting: false, toolApproved: false },
          };
    }),
    opened: assign((_, { conversationId }: { conversationId: string }) => ({ conversationId })),
    amend: assign(({ context: { current } }, change: Partial<Turn>) =>
      current === undefined ? {} : { current: { ...current, ...change } },
    ),
    answer: assign(({ context: { current }, event }, answer: Answer) =>
      current === undefined ? {} : { current: { ...current, tries: 0, answer, answeredAt: timeOf(event) } },
    ),
    nextAttempt: assign(({ context: { current } }) =>
      current === undefined ? {} : { current: { ...current, attempt: current.attempt + 1 } },
    ),
    move: assign(({ context: { current } }) =>
      current === undefined ? {} : { current: { ...current, attempt: current.attempt + 1, moves: current.moves + 1 } },
    ),
    waitFor: assign(({ context: { current, wait } }, event: { readonly error: unknown }) => {
      if (current === undefined) return {};
      const { kind, retryAfterMs = 0 } = failureOf(event);
      const busyTries = current.busyTries + (kind === "busy" ? 1 : 0);
      return { wait: waitFor(event, wait), current: { ...current, tries: current.tries + 1, busyTries, retryAfterMs } };
    }),
    /** Letta has lost the conversation: the next question opens another. */
    forgetIfGone: assign((_, event: { readonly error: unknown }) =>
      failureOf(event).kind === "gone" ? { conversationId: undefined } : {},
    ),
    forget: assign(() => ({ conversationId: undefined })),
    goOn: assign(() => ({ wait: undefined })),
    settle: assign(() => ({ current: undefined, wait: undefined })),
    apologise: assign(({ context, event }) => {
      const question = event.type === "deadLetter" ? event.letter.question : undefined;
      const lost =
        "Something in this message made me fail every time I tried to handle it. Please put it in other words.";
      return question === undefined ? {} : { queue: [...context.queue, { ...question, text: "", unreadable: lost }] };
    }),
  },
  guards: {
    hasQuestion: ({ context }) => context.queue.length > 0,
    isFull: ({ context }) => context.queue.length >= longestQueue,
    isClosed: ({ context }) => context.closed !== undefined,
    isUnreadable: ({ context }) => context.current?.question.unreadable !== undefined,
    isOpen: ({ context }) => context.conversationId !== undefined,
    isPassing: ({ context: { current } }, event: { readonly error: unknown }) => {
      const { kind = "" } = failureOf(event);
      return passing.has(kind) && (kind !== "busy" || (current?.busyTries ?? 0) < mostBusyTries);
    },
    isSendable: (_, event: { readonly error: unknown }) => sendable.has(failureOf(event).kind ?? ""),
    /** The answer itself cannot be sent; a word about that perhaps can. */
    isUnsendable: ({ context: { current } }, event: { readonly error: unknown }) =>
      current?.answer?.outcome === "answer" && failureOf(event).kind !== "forbidden",
    mayAskAgain: ({ context: { current } }, event: { readonly error: unknown }) =>
      failureOf(event).kind === "lost" &&
      current?.toolApproved === false &&
      current.attempt - current.moves < mostAttempts,
    mayAskElsewhere: ({ context: { current } }, event: { readonly error: unknown }) =>
      elsewhere.has(failureOf(event).kind ?? "") && current?.toolApproved === false && current.moves < mostMoves,
    isSilence: (_, { text }: { text: string }) => text === silence,
    showsNothing: ({ context }) => context.current?.drafting !== true,
    isWorthExplaining: ({ context: { current } }) => current !== undefined && !current.drafting && current.tries >= 2,
  },
  delays: {
    retry: ({ context: { current } }) => backoff(current?.tries ?? 1, current?.retryAfterMs),
  },
}).createMachine({
  id: "conversation",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, queue: [] }),
  initial: "idle",
  on: {
    MESSAGE: [
      {
        guard: "isFull",
        actions: {
          type: "refuse",
          params: ({ context: { userId, roomId }, event: { question } }) => ({
            userId,
            roomId,
            question,
            text: `${longestQueue} messages are waiting already, so I did not take this one. Please send it again later.`,
          }),
        },
      },
      { actions: "enqueue" },
    ],
    EDITED: { actions: "replaceText" },
    CUT: {
      actions: {
        type: "sayCut",
        params: ({ context: { userId, roomId }, event: { gap } }) => ({ userId, roomId, gap }),
      },
    },
    CLOSE: { actions: { type: "close", params: ({ event }) => event } },
    deadLetter: { actions: "apologise" },
  },
  states: {
    idle: { always: { guard: "hasQuestion", target: "taking" } },
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
      on: { CLOSE: { target: "declining", actions: { type: "close", params: ({ event }) => event } } },
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
    turn: {
      invoke: {
        id: "ask",
        src: "ask",
        input: ({ context }) => turnInput(context),
        onDone: [
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
        TOOL_APPROVED: { actions: { type: "amend", params: { toolApproved: true } } },
        DRAFTED: { actions: { type: "amend", params: ({ event }) => ({ draft: event.eventId }) } },
        CLOSE: { target: "declining", actions: { type: "close", params: ({ event }) => event } },
      },
      states: {
        asking: {
          on: { DRAFTING: { target: "streaming", actions: { type: "amend", params: { drafting: true } } } },
        },
        streaming: {},
      },
    },
    backingOff: {
      initial: "choosing",
      after: {
        retry: [{ guard: "isOpen", target: "turn" }, { target: "opening" }],
      },
      on: {
        DRAFTING: { actions: { type: "amend", params: { drafting: true } } },
        TOOL_APPROVED: { actions: { type: "amend", params: { toolApproved: true } } },
        CLOSE: { target: "declining", actions: { type: "close", params: ({ event }) => event } },
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
    replyingLater: { after: { retry: "replying" } },
    withdrawing: {
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
    withdrawingLater: { after: { retry: "withdrawing" } },
    settled: { entry: "settle", always: "idle" },
  },
});
