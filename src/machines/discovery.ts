import { assign, setup } from "xstate";
import type { Reply, Tell } from "../runtime/step.ts";
import { addressOf } from "./addresses.ts";
import { effect } from "./placeholder.ts";
import { remind } from "./reminder.ts";
import { backoff, failureOf, timeOf, type Wait, waitFor } from "./wait.ts";

/**
 * Finds Letta's agents, and tells each that is new, renamed, missing or back. Its own record holds none of them: each
 * agent knows for itself how long it has been missing.
 */

export interface DiscoveryInput {
  readonly server: string;
}

export interface DiscoveryContext extends DiscoveryInput {
  readonly tries: number;
  readonly retryAfterMs: number;
  /** A hint came during a listing, which may have passed the place of what is new. */
  readonly again: boolean;
  /** Agents in the last complete listing. */
  readonly listed?: number;
  /** What it came to, and when, ms since the epoch. */
  readonly last?: { readonly at: number; readonly found: Found };
  /** Milliseconds from the last complete listing to the next, as that listing brought it. */
  readonly interval: number;
  /** Callers that wait for what the present listing finds. */
  readonly asked: readonly string[];
  /** Callers that came during it: they are told what the next one finds. */
  readonly asking: readonly string[];
  readonly wait?: Wait | undefined;
}

export type DiscoveryEvent = {
  /** A hint that there may be something new. Who asks for an answer gets {@link Found} or {@link NotFound}. */
  readonly type: "LIST_NOW";
  readonly replyTo?: string;
};

/** What a complete listing changes. */
export interface Listing {
  /** To be told their name: new, renamed, or back. */
  readonly changed: readonly { readonly agentId: string; readonly name: string }[];
  /** To be told that they are not in it: for the first time, or after their grace. */
  readonly missed: readonly string[];
  /** To be told that the configuration leaves them out. */
  readonly disabled: readonly string[];
  /** Of the records of these, where they have one: what names what each is told. */
  readonly revisions: Readonly<Record<string, number>>;
  readonly found: Found;
  /** Milliseconds to the next. Each brings it, since an actor's input is read once in its life, and configurations change. */
  readonly interval: number;
  /** Milliseconds for which an agent may be missing before it is retired. */
  readonly grace: number;
}

/** A complete listing in numbers of agents. */
export interface Found {
  readonly listed: number;
  readonly fresh: number;
  readonly renamed: number;
  /** Missing, disabled or retired until now. */
  readonly back: number;
  /** Known here, but not listed and not retired yet. */
  readonly missing: number;
  readonly disabled: number;
}

/** Why there was no complete listing. */
export interface NotFound {
  readonly failed: string;
  readonly remedy?: string;
}

/** Callers that are answered; who comes on top of them is not. */
const mostAskers = 100;

export const discoveryMachine = setup({
  types: {
    input: {} as DiscoveryInput,
    context: {} as DiscoveryContext,
    events: {} as DiscoveryEvent,
  },
  actors: { listAgents: effect<Listing, { server: string }>() },
  actions: {
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    reply: (_, _params: Reply | readonly Reply[]) => undefined,
    count: assign(({ event }, { found, interval }: Listing) => ({
      listed: found.listed,
      last: { at: timeOf(event), found },
      interval,
    })),
    listAgain: assign(() => ({ again: true })),
    noteAsker: assign(({ context: { asking } }, { replyTo }: DiscoveryEvent) =>
      replyTo === undefined || asking.length >= mostAskers ? {} : { asking: [...asking, replyTo] },
    ),
    begin: assign(({ context: { asking } }) => ({ asked: asking, asking: [], again: false })),
    goOn: assign(() => ({ wait: undefined, tries: 0, retryAfterMs: 0, asked: [] })),
    fail: assign(({ context: { wait, tries } }, event: { readonly error: unknown }) => ({
      wait: waitFor(event, wait),
      tries: tries + 1,
      retryAfterMs: failureOf(event).retryAfterMs ?? 0,
      asked: [],
    })),
  },
  guards: { isHinted: ({ context }) => context.again },
  delays: {
    interval: ({ context }) => context.interval,
    retry: ({ context }) => backoff(context.tries, context.retryAfterMs),
  },
}).createMachine({
  id: "discovery",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, interval: 0, tries: 0, retryAfterMs: 0, again: false, asked: [], asking: [] }),
  initial: "listing",
  states: {
    listing: {
      entry: "begin",
      invoke: {
        id: "listAgents",
        src: "listAgents",
        input: ({ context: { server } }) => ({ server }),
        onDone: {
          target: "listed",
          actions: [
            { type: "count", params: ({ event }) => event.output },
            { type: "tell", params: ({ context, event }) => tellAgents(context, event.output, timeOf(event)) },
            { type: "reply", params: ({ context, event }) => answer(context, event.output.found) },
            "goOn",
          ],
        },
        onError: {
          target: "backingOff",
          actions: [
            { type: "reply", params: ({ context, event }) => answer(context, explain(event)) },
            { type: "fail", params: ({ event }) => event },
          ],
        },
      },
      on: { LIST_NOW: { actions: ["listAgain", { type: "noteAsker", params: ({ event }) => event }] } },
    },
    listed: { always: [{ guard: "isHinted", target: "listing" }, { target: "waiting" }] },
    waiting: {
      after: { interval: "listing" },
      on: { LIST_NOW: { target: "listing", actions: { type: "noteAsker", params: ({ event }) => event } } },
    },
    backingOff: {
      after: { retry: "listing" },
      on: { LIST_NOW: { target: "listing", actions: { type: "noteAsker", params: ({ event }) => event } } },
    },
  },
});

function tellAgents({ server }: DiscoveryContext, listing: Listing, now: number): Tell[] {
  const { changed, missed, disabled, revisions, grace } = listing;
  const tell = (agentId: string, event: Tell["event"], what: string): Tell =>
    remind(
      { to: addressOf.agent(server, agentId), event, what: `${what} ${agentId}`, revision: revisions[agentId] },
      now,
    );
  return [
    ...changed.map(({ agentId, name }) => tell(agentId, { type: "DISCOVERED", name }, `DISCOVERED as ${name}`)),
    ...missed.map((agentId) => tell(agentId, { type: "MISSED", grace }, "MISSED")),
    ...disabled.map((agentId) => tell(agentId, { type: "DISABLED" }, "DISABLED")),
  ];
}

function answer({ asked }: DiscoveryContext, value: Found | NotFound): Reply[] {
  return asked.map((to) => ({ to, value }));
}

function explain(event: { readonly error: unknown }): NotFound {
  const { reason, remedy } = waitFor(event, undefined);
  return { failed: reason, ...(remedy !== undefined && { remedy }) };
}
