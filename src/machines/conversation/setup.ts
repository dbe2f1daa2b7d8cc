import { assign, sendTo, setup } from "xstate";
import type { Tell } from "../../runtime/step.ts";
import { effect } from "../placeholder.ts";
import { type Answer, type Command, causeOf, type Question } from "../question.ts";
import { backoff, failureOf, timeOf, waitFor } from "../wait.ts";
import type {
  ConversationContext,
  ConversationEvent,
  ConversationInput,
  RecallInput,
  Remark,
  Turn,
  TurnInput,
} from "./context.ts";
import { hasRoomFor, withText } from "./queue.ts";
import { inputOf, noted, withoutAsked } from "./returned.ts";

/** What an agent says that does not want to answer: nobody sees it. */
export const silence = "<no-reply/>";

/** Failures that end by themselves, on Letta's side or (the token) by the agent's logging in again. */
const passing: ReadonlySet<string> = new Set(["unreachable", "busy", "token"]);
/** Failures of the homeserver after which the same event can still be sent. */
const sendable: ReadonlySet<string> = new Set(["unreachable", "limited", "token", "malformed"]);
/** Tries while the homeserver forbids it: a minute. It may be a proxy that does, or the agent may be let in again. */
const mostForbiddenTries = 6;
/** Failures of Letta's conversation, not of the question: another conversation takes it. */
const elsewhere: ReadonlySet<string> = new Set(["gone", "held"]);
/** Tries while somebody else's turn runs, before the person is told. */
const mostBusyTries = 20;
/** Attempts that may leave nothing before the person is told: each takes a crash, or a cut connection, of its own. */
const mostAttempts = 6;
/** Times that a question may find its conversation unusable before the person is told. */
const mostMoves = 6;
const pausedRemedy = "`letta-matrix resume` has it go on.";
/** How long people may take to decide about a tool call, ms. */
const approvalWithin = 24 * 3_600_000;

/** What a conversation's states are made of: its named effects, actions, guards and delays. */
export const conversationSetup = setup({
  types: {
    input: {} as ConversationInput,
    context: {} as ConversationContext,
    events: {} as ConversationEvent,
  },
  actors: {
    /** Opens the first conversation of the room, or one that goes on from another which takes no message any more. */
    openConversation: effect<{ conversationId: string }, { agentId: string; from?: string }>(),
    ask: effect<{ text: string; stopped?: true }, TurnInput>(),
    showWait: effect<{ eventId: string }, TurnInput & { text: string }>(),
    reply: effect<void, TurnInput>(),
    withdrawDraft: effect<void, TurnInput>(),
    /** Whether the agent's own record has it paused. */
    lookWhetherPaused: effect<{ paused: boolean }, { agentId: string }>(),
    /** Gives the causes of those of these questions that have their final in the room. */
    findAnswered: effect<{ answered: readonly string[] }, RecallInput>(),
  },
  actions: {
    /** Tells a person that the queue is full. */
    refuse: (_, _params: { userId: string; roomId: string; question: Question; text: string }) => undefined,
    /** Tells the room that some of what was said in it was not read. */
    sayCut: (_, _params: { userId: string; roomId: string; gap: string }) => undefined,
    /** Says one short thing to a message. */
    remark: (_, _params: Remark) => undefined,
    /** Hands what a person has commanded on to whoever watches the turn. */
    passOn: sendTo("ask", ({ event }) => event),
    /** Hands a person's decision on; nobody's is a denial. */
    decide: sendTo("ask", ({ context, event }) => ({
      type: "DECIDED",
      callId: context.current?.approval?.callId ?? "",
      allowed: event.type === "APPROVE",
      ...("command" in event && { by: event.command.sender }),
    })),
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    noteAsked: assign(({ context: { asked }, event }) =>
      event.type === "ASKING" ? { asked: noted(asked, event) } : {},
    ),
    forgetAsked: assign(({ context }, { key }: { key: string }) => withoutAsked(context, key)),
    noteHeard: assign(({ context: { current }, event }) => {
      if (current === undefined || event.type !== "HEARD" || event.hops === undefined) return {};
      return { current: { ...current, heardHops: Math.max(current.heardHops ?? 0, event.hops) } };
    }),
    takeReturned: assign(({ context, event }) => {
      const input = event.type === "RETURNED" ? inputOf(context, event, timeOf(event)) : undefined;
      if (input?.retry === undefined) return {};
      const { asked, queue } = withoutAsked(context, input.retry);
      return { asked, queue: [...queue, input] };
    }),
    enqueue: assign(({ context, event }) =>
      event.type === "MESSAGE" ? { queue: [...context.queue, questionOf(event)], closed: undefined } : {},
    ),
    /** Once more what failed, as a new cause: its first answer stands. */
    retry: assign(({ context: { queue, failed } }, { eventId }: Command) =>
      failed === undefined
        ? {}
        : { queue: [...queue, { ...failed, retry: eventId }], failed: undefined, closed: undefined },
    ),
    pause: assign(() => ({ paused: true as const })),
    resume: assign(() => ({ paused: undefined })),
    waitForResume: assign(({ event }) => ({
      wait: { reason: "the agent is paused", remedy: pausedRemedy, since: timeOf(event) },
    })),
    close: assign((_, { reason }: { reason: string }) => ({ closed: reason })),
    replaceText: assign(({ context: { queue, failed }, event }) => {
      if (event.type !== "EDITED") return {};
      const { edits, sender, text } = event;
      const isMeant = ({ eventId, sender: asker, returned }: Question): boolean =>
        eventId === edits && asker === sender && returned === undefined;
      return {
        queue: withText(queue, isMeant, text),
        failed: failed !== undefined && isMeant(failed) ? { ...failed, text } : failed,
      };
    }),
    takeNext: assign(({ context: { queue } }) => {
      const [question, ...rest] = queue;
      return question === undefined
        ? {}
        : {
            queue: rest,
            current: { question, attempt: 1, tries: 0, busyTries: 0, moves: 0, drafting: false, toolApproved: false },
          };
    }),
    /** Letta may have had any of them, and the room their answers. What failed last may not be the last any more. */
    doubt: assign(({ context: { queue, current } }) => ({
      queue: queue.map(asMaybeAsked),
      ...(current !== undefined && { current: asDoubted(current) }),
      failed: undefined,
      wait: undefined,
    })),
    forgetAnswered: assign(({ context: { queue, current } }, { answered }: { answered: readonly string[] }) => {
      const isOwed = (question: Question): boolean => !answered.includes(causeOf(question));
      return {
        queue: queue.filter(isOwed),
        current: current !== undefined && isOwed(current.question) ? current : undefined,
      };
    }),
    opened: assign((_, { conversationId }: { conversationId: string }) => ({ conversationId })),
    amend: assign(({ context: { current } }, change: Partial<Turn>) =>
      current === undefined ? {} : { current: { ...current, ...change } },
    ),
    showApproval: assign(({ context: { current } }, { eventId }: { eventId: string }) =>
      current?.approval === undefined ? {} : { current: { ...current, approval: { ...current.approval, eventId } } },
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
    settle: assign(({ context: { current, closed } }) => {
      const isFailed =
        current?.answer?.outcome === "error" && current.question.unreadable === undefined && closed === undefined;
      return { current: undefined, wait: undefined, failed: isFailed ? current.question : undefined };
    }),
    apologise: assign(({ context, event }) => {
      const question = event.type === "deadLetter" ? event.letter.question : undefined;
      const lost =
        "Something in this message made me fail every time I tried to handle it. Please put it in other words.";
      return question === undefined ? {} : { queue: [...context.queue, { ...question, text: "", unreadable: lost }] };
    }),
  },
  guards: {
    hasQuestion: ({ context }) => context.queue.length > 0,
    isFull: ({ context: { queue }, event }) => event.type === "MESSAGE" && !hasRoomFor(queue, event.question),
    isPaused: ({ context: { paused, closed } }) => paused === true && closed === undefined,
    isStillPaused: (_, { paused }: { paused: boolean }) => paused,
    isClosed: ({ context }) => context.closed !== undefined,
    isUnreadable: ({ context }) => context.current?.question.unreadable !== undefined,
    isOpen: ({ context }) => context.conversationId !== undefined,
    isHolding: ({ context }) => context.current !== undefined,
    holdsNothing: ({ context: { current, queue } }) => current === undefined && queue.length === 0,
    isAnswered: ({ context }) => context.current?.answer !== undefined,
    isDeclined: ({ context: { current, closed } }) =>
      current !== undefined && (closed !== undefined || current.question.unreadable !== undefined),
    isResumable: ({ context }) => context.current !== undefined && context.conversationId !== undefined,
    isReadable: (_, event: { readonly error: unknown }) => sendable.has(failureOf(event).kind ?? ""),
    wasStopped: (_, { stopped }: { stopped?: true }) => stopped === true,
    isStopping: ({ context }) => context.current?.stopping === true,
    hasFailed: ({ context: { queue, failed } }) => failed !== undefined && hasRoomFor(queue, failed),
    isReaction: (_, { reactionTo }: Command) => reactionTo !== undefined,
    /** A word means whatever waits; a reaction means what it stands on. */
    isAboutApproval: ({ context: { current } }, { reactionTo }: Command) =>
      reactionTo === undefined || reactionTo === current?.approval?.eventId,
    isPassing: ({ context: { current } }, event: { readonly error: unknown }) => {
      const { kind = "" } = failureOf(event);
      return passing.has(kind) && (kind !== "busy" || (current?.busyTries ?? 0) < mostBusyTries);
    },
    isSendable: ({ context: { current } }, event: { readonly error: unknown }) => {
      const { kind = "" } = failureOf(event);
      return sendable.has(kind) || (kind === "forbidden" && (current?.tries ?? 0) < mostForbiddenTries);
    },
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
    /** What an earlier store has shown is not known here. */
    showsNothing: ({ context: { current } }) => current?.drafting !== true && current?.question.maybeAsked !== true,
    isWorthExplaining: ({ context: { current } }) => current !== undefined && !current.drafting && current.tries >= 2,
  },
  delays: {
    approval: () => approvalWithin,
    retry: ({ context: { current } }) => backoff(current?.tries ?? 1, current?.retryAfterMs),
  },
});

function asDoubted(current: Turn): Turn {
  return { ...current, question: asMaybeAsked(current.question), askedHere: undefined };
}

function asMaybeAsked(question: Question): Question {
  return { ...question, maybeAsked: true };
}

/** What is asked again is a new cause: under the old one, somebody has been told that it was lost. */
function questionOf({ question, replay }: ConversationEvent & { readonly type: "MESSAGE" }): Question {
  return replay === undefined ? question : { ...question, retry: replay };
}
