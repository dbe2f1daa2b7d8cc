import { assign, setup } from "xstate";
import type { Reply, Tell } from "../runtime/step.ts";
import { addressOf, serverOfUser } from "./addresses.ts";
import type { AnswerReturned } from "./conversation/context.ts";
import { effect } from "./placeholder.ts";
import { backoff, type Trouble, timeOf, troubleWith, type Wait } from "./wait.ts";

/**
 * What programs have one of our users say in one room: one thing after the other, each once, however often it is asked
 * for and whatever is killed meanwhile.
 */

export interface OutboxInput {
  readonly userId: string;
  readonly roomId: string;
}

export interface OutboxContext extends OutboxInput {
  /** The first one is being sent. */
  readonly queue: readonly Queued[];
  /** What became of the last ones, the oldest first. */
  readonly done: readonly Done[];
  /** Who waits to hear what becomes of an errand, by its key. */
  readonly asked: readonly { readonly key: string; readonly replyTo: string }[];
  readonly trouble?: Trouble | undefined;
  readonly wait?: Wait | undefined;
}

/** Something to be said or done in the room. `key` names it: what leaves us for it is named by that. */
export interface Errand {
  readonly key: string;
  /** Tells it from what else is asked for under the same key; earlier versions have written none. */
  readonly deed?: string;
  readonly what: Deed;
}

export type Deed =
  | ({ readonly kind: "message"; readonly text: string; readonly notice?: true } & Place & Extra)
  | FileDeed
  | { readonly kind: "edit"; readonly event: string; readonly text: string }
  | { readonly kind: "reaction"; readonly event: string; readonly sign: string }
  | { readonly kind: "redaction"; readonly event: string };

/** Shows a file that the homeserver has already. */
export interface FileDeed {
  readonly kind: "file";
  /** Its address. */
  readonly file: string;
  readonly name: string;
  readonly contentType: string;
  /** Bytes. */
  readonly size: number;
  readonly shownAs: "m.image" | "m.audio" | "m.video" | "m.file";
  readonly caption?: string;
  readonly thread?: string;
  readonly marks?: Readonly<Record<string, string | number>>;
}

export interface Place {
  /** The thread it belongs into, by its root event. */
  readonly thread?: string;
  readonly inReplyTo?: string;
}

interface Extra {
  /** User ids of those that it is meant for. */
  readonly mentions?: readonly string[];
  /** A user of ours that is in the room and lets the sender in, if it is not. */
  readonly host?: string;
  /** Further fields of the content; never ones that Matrix gives a meaning. */
  readonly marks?: Readonly<Record<string, string | number>>;
  /** The conversation that is told when it cannot be said. */
  readonly asker?: Asker;
}

/** An agent that asks another one, in the conversation where it wants to hear of it. */
export interface Asker {
  readonly agentId: string;
  readonly roomId: string;
  /** The one that is asked. */
  readonly asked: { readonly agentId: string; readonly userId: string };
}

interface Queued extends Errand {
  /** When it was taken, ms since the epoch. */
  readonly at: number;
}

/** Events that it has become, or why it has not. */
export type Outcome = Success | Failure;

interface Success {
  readonly key: string;
  readonly events: readonly string[];
  /** The one that is shown, by its address. */
  readonly file?: string;
}

interface Failure {
  readonly key: string;
  readonly failed: string;
  readonly kind: string;
  readonly remedy?: string;
}

type Done = Outcome & Pick<Errand, "deed"> & { readonly at: number };

/**
 * What who asks for an errand is told. `unknown`: it is longer ago than is remembered, or was never taken. `taken`: the key is
 * that of another deed.
 */
export type Report =
  | Outcome
  | { readonly key: string; readonly unknown: true }
  | { readonly key: string; readonly taken: true };

export type OutboxEvent =
  | { readonly type: "SEND"; readonly errand: Errand }
  | ({ readonly type: "REPORT"; readonly replyTo?: string } & Asked);

type Asked = Pick<Errand, "key" | "deed">;

/** Errands that may wait; who comes on top of them is refused. */
export const mostQueued = 500;
const mostDone = 50;
const mostAskers = 1_000;
/** What could not be sent for so long is given up, ms: nobody expects it any more. */
export const longestTried = 24 * 3_600_000;

/** Trying again changes nothing. */
const lasting: ReadonlySet<string> = new Set([
  "forbidden",
  "missing",
  "refused",
  "unsupported",
  "too-large",
  "malformed",
]);

export const outboxMachine = setup({
  types: { input: {} as OutboxInput, context: {} as OutboxContext, events: {} as OutboxEvent },
  actors: {
    /** Carries out one errand; gives the event ids. */
    carryOut: effect<readonly string[], OutboxInput & { readonly errand: Errand; readonly mayBeDone: boolean }>(),
  },
  actions: {
    reply: (_, _params: Reply | readonly Reply[]) => undefined,
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    take: assign(({ context: { queue } }, { errand, at }: { errand: Errand; at: number }) => ({
      queue: [...queue, { ...errand, at }],
    })),
    refuse: assign(({ context }, { errand, at }: { errand: Errand; at: number }) =>
      noted(context, { ...tooMany(errand.key), ...deedOf(errand), at }),
    ),
    noteAsker: assign(({ context: { asked } }, { key, replyTo }: { key: string; replyTo: string }) => ({
      asked: [...asked, { key, replyTo }].slice(-mostAskers),
    })),
    finish: assign(({ context }, outcome: Done) => ({
      ...noted(context, { ...outcome, ...deedOf(context.queue[0]) }),
      queue: context.queue.slice(1),
      asked: context.asked.filter(({ key }) => key !== outcome.key),
      trouble: undefined,
      wait: undefined,
    })),
    fail: assign(({ context }, event: { readonly error: unknown }) => {
      const trouble = troubleWith(event, context.trouble);
      return { trouble, wait: trouble.wait };
    }),
  },
  guards: {
    hasMore: ({ context }) => context.queue.length > 0,
    isFull: ({ context }) => context.queue.length >= mostQueued,
    isWaitedFor: ({ context: { queue } }, asked: Asked) =>
      queue.some((one) => one.key === asked.key && isSameDeed(one, asked)),
    isHopeless: ({ context: { trouble, queue } }, { now }: { now: number }) =>
      lasting.has(trouble?.kind ?? "") || now - (queue[0]?.at ?? now) >= longestTried,
  },
  delays: { retry: ({ context: { trouble } }) => backoff(trouble?.tries ?? 1, trouble?.retryAfterMs) },
}).createMachine({
  id: "outbox",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, queue: [], done: [], asked: [] }),
  on: {
    SEND: [
      {
        guard: "isFull",
        actions: { type: "refuse", params: ({ event }) => ({ errand: event.errand, at: timeOf(event) }) },
      },
      { actions: { type: "take", params: ({ event }) => ({ errand: event.errand, at: timeOf(event) }) } },
    ],
    REPORT: [
      {
        guard: { type: "isWaitedFor", params: ({ event }) => event },
        actions: { type: "noteAsker", params: ({ event: { key, replyTo = "" } }) => ({ key, replyTo }) },
      },
      { actions: { type: "reply", params: ({ context, event }) => report(context, event) } },
    ],
  },
  initial: "idle",
  states: {
    idle: { always: { guard: "hasMore", target: "sending" } },
    sending: {
      invoke: {
        id: "carryOut",
        src: "carryOut",
        input: ({ context }) => attempt(context),
        onDone: {
          target: "idle",
          actions: [
            { type: "reply", params: ({ context, event }) => repliesFor(context, succeeded(context, event)) },
            { type: "finish", params: ({ context, event }) => ({ ...succeeded(context, event), at: timeOf(event) }) },
          ],
        },
        onError: { target: "troubled", actions: { type: "fail", params: ({ event }) => event } },
      },
    },
    troubled: {
      always: [
        {
          guard: { type: "isHopeless", params: ({ event }) => ({ now: timeOf(event) }) },
          target: "idle",
          actions: [
            { type: "reply", params: ({ context }) => repliesFor(context, gaveUp(context)) },
            { type: "tell", params: ({ context }) => unasked(context, gaveUp(context)) },
            { type: "finish", params: ({ context, event }) => ({ ...gaveUp(context), at: timeOf(event) }) },
          ],
        },
        { target: "backingOff" },
      ],
    },
    backingOff: { after: { retry: "sending" } },
  },
});

function attempt({ userId, roomId, queue, trouble }: OutboxContext) {
  const [first] = queue;
  if (first === undefined) throw new Error("there is nothing to send");
  const { at: _, ...errand } = first;
  return { userId, roomId, errand, mayBeDone: trouble !== undefined };
}

function deedOf({ deed }: Pick<Errand, "deed"> = {}): Pick<Errand, "deed"> {
  return deed === undefined ? {} : { deed };
}

function keyOf({ queue }: OutboxContext): string {
  return queue[0]?.key ?? "";
}

function succeeded(context: OutboxContext, event: { readonly output: readonly string[] }): Outcome {
  const what = context.queue[0]?.what;
  return { key: keyOf(context), events: event.output, ...(what?.kind === "file" && { file: what.file }) };
}

/** Where the asker waits no more to hear that it is said, it is told in its conversation. */
function unasked({ userId, queue }: OutboxContext, outcome: Failure): readonly Tell[] {
  const [{ key, what } = { key: "", what: undefined }] = queue;
  if (what?.kind !== "message" || what.asker === undefined) return [];
  const { agentId, roomId, asked } = what.asker;
  const event: AnswerReturned = {
    type: "RETURNED",
    key,
    from: { agentId: asked.agentId, hops: 0 },
    returned: { userId: asked.userId, outcome: "error" },
    text: `It was never asked: ${outcome.failed}.`,
  };
  return [{ to: addressOf.conversation(serverOfUser(userId), agentId, roomId), event: { ...event } }];
}

function gaveUp(context: OutboxContext): Failure {
  const { kind = "unreachable", wait } = context.trouble ?? {};
  const { reason = "it could not be sent", remedy } = wait ?? {};
  return { key: keyOf(context), failed: reason, kind, ...(remedy !== undefined && { remedy }) };
}

function tooMany(key: string): Outcome {
  return {
    key,
    failed: `${mostQueued} messages wait to be sent into this room already`,
    kind: "full",
    remedy: "Wait until they are sent, and send it again under another key.",
  };
}

function noted({ done }: OutboxContext, outcome: Done): Pick<OutboxContext, "done"> {
  return { done: [...done, outcome].slice(-mostDone) };
}

function repliesFor({ asked }: OutboxContext, outcome: Outcome): Reply[] {
  return asked.filter(({ key }) => key === outcome.key).map(({ replyTo }) => ({ to: replyTo, value: outcome }));
}

function report(
  { queue, done }: OutboxContext,
  { key, deed, replyTo }: Asked & { readonly replyTo?: string },
): Reply[] {
  if (replyTo === undefined) return [];
  const known = done.findLast((one) => one.key === key);
  const holder = queue.find((one) => one.key === key) ?? known;
  const told = (value: Report): Reply[] => [{ to: replyTo, value }];
  if (holder !== undefined && !isSameDeed(holder, { deed })) return told({ key, taken: true });
  if (known === undefined) return told({ key, unknown: true });
  const { at: _, deed: __, ...outcome } = known;
  return told(outcome);
}

/** Earlier versions have written none down. */
export function isSameDeed(
  one: { readonly deed?: string | undefined },
  other: { readonly deed?: string | undefined },
): boolean {
  return one.deed === undefined || other.deed === undefined || one.deed === other.deed;
}
