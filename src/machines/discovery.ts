import { assign, setup } from "xstate";
import type { Tell } from "../runtime/step.ts";
import { addressOf } from "./addresses.ts";
import { effect } from "./placeholder.ts";
import { backoff, failureOf, type Wait, waitFor } from "./wait.ts";

/** Finds Letta's agents, and tells each that is new or renamed. Its own record holds none of them. */

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
  /** Milliseconds from the last complete listing to the next, as that listing brought it. */
  readonly interval: number;
  readonly wait?: Wait | undefined;
}

/** What a complete listing changes. */
export interface Listing {
  readonly total: number;
  readonly changed: readonly { readonly agentId: string; readonly name: string }[];
  /** Milliseconds to the next. Each brings it, since an actor's input is read once in its life, and configurations change. */
  readonly interval: number;
}

export const discoveryMachine = setup({
  types: {
    input: {} as DiscoveryInput,
    context: {} as DiscoveryContext,
    /** A hint that there may be something new. */
    events: {} as { readonly type: "LIST_NOW" },
  },
  actors: { listAgents: effect<Listing, { server: string }>() },
  actions: {
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    count: assign((_, { total, interval }: Listing) => ({ listed: total, interval })),
    listAgain: assign(() => ({ again: true })),
    goOn: assign(() => ({ wait: undefined, tries: 0, retryAfterMs: 0, again: false })),
    fail: assign(({ context: { wait, tries } }, event: { readonly error: unknown }) => ({
      wait: waitFor(event, wait),
      tries: tries + 1,
      retryAfterMs: failureOf(event).retryAfterMs ?? 0,
      again: false,
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
  context: ({ input }) => ({ ...input, interval: 0, tries: 0, retryAfterMs: 0, again: false }),
  initial: "listing",
  states: {
    listing: {
      invoke: {
        id: "listAgents",
        src: "listAgents",
        input: ({ context: { server } }) => ({ server }),
        onDone: {
          target: "listed",
          actions: [
            { type: "count", params: ({ event }) => event.output },
            {
              type: "tell",
              params: ({ context: { server }, event }) =>
                event.output.changed.map(({ agentId, name }) => ({
                  to: addressOf.agent(server, agentId),
                  event: { type: "DISCOVERED", name },
                })),
            },
          ],
        },
        onError: { target: "backingOff", actions: { type: "fail", params: ({ event }) => event } },
      },
      on: { LIST_NOW: { actions: "listAgain" } },
    },
    listed: {
      always: [
        { guard: "isHinted", target: "listing", actions: "goOn" },
        { target: "waiting", actions: "goOn" },
      ],
    },
    waiting: { after: { interval: "listing" }, on: { LIST_NOW: "listing" } },
    backingOff: { after: { retry: "listing" }, on: { LIST_NOW: "listing" } },
  },
});
