import { assign, setup } from "xstate";
import type { ActorId } from "../runtime/actor-id.ts";
import type { Tell } from "../runtime/step.ts";
import { effect } from "./placeholder.ts";
import { backoff, failureOf, type Wait, waitFor } from "./wait.ts";

/** The space that holds every agent's room, and the bot that owns it. */

export interface SpaceContext {
  readonly spaceId?: string;
  readonly tries: number;
  readonly retryAfterMs: number;
  readonly wait?: Wait | undefined;
}

export type SpaceEvent = {
  /** An agent asks where the space is. It is answered now, or with everybody else as soon as there is a space. */
  readonly type: "SPACE_WANTED";
  readonly asker: ActorId;
};

export const spaceMachine = setup({
  types: { context: {} as SpaceContext, events: {} as SpaceEvent },
  actors: {
    ensureBot: effect<void, Record<string, never>>(),
    resolveSpace: effect<{ spaceId: string | null }, Record<string, never>>(),
    createSpace: effect<{ spaceId: string }, Record<string, never>>(),
    inviteToSpace: effect<void, { spaceId: string }>(),
    /** The agents that are known now. */
    listResidents: effect<readonly ActorId[], Record<string, never>>(),
  },
  actions: {
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    setSpace: assign((_, { spaceId }: { spaceId: string | null }) => (spaceId === null ? {} : { spaceId })),
    goOn: assign(() => ({ wait: undefined, tries: 0, retryAfterMs: 0 })),
    fail: assign(({ context: { wait, tries } }, event: { readonly error: unknown }) => ({
      wait: waitFor(event, wait),
      tries: tries + 1,
      retryAfterMs: failureOf(event).retryAfterMs ?? 0,
    })),
  },
  guards: {
    knowsSpace: ({ context }) => context.spaceId !== undefined,
    isTaken: (_, event: { readonly error: unknown }) => failureOf(event).kind === "taken",
    isThere: (_, { spaceId }: { spaceId: string | null }) => spaceId !== null,
  },
  delays: { retry: ({ context }) => backoff(context.tries, context.retryAfterMs) },
}).createMachine({
  id: "space",
  version: "1",
  options: { maxIterations: 100 },
  context: () => ({ tries: 0, retryAfterMs: 0 }),
  initial: "provisioning",
  on: {
    SPACE_WANTED: {
      guard: "knowsSpace",
      actions: { type: "tell", params: ({ context, event }) => tellAsker(context, event) },
    },
  },
  states: {
    provisioning: {
      initial: "registering",
      onDone: { target: "ready", actions: "goOn" },
      states: {
        registering: {
          invoke: {
            id: "ensureBot",
            src: "ensureBot",
            input: () => ({}),
            onDone: { target: "resolving", actions: "goOn" },
            onError: { target: "#space.backingOff", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        resolving: {
          invoke: {
            id: "resolveSpace",
            src: "resolveSpace",
            input: () => ({}),
            onDone: [
              {
                guard: { type: "isThere", params: ({ event }) => event.output },
                target: "announcing",
                actions: [{ type: "setSpace", params: ({ event }) => event.output }, "goOn"],
              },
              { target: "creating" },
            ],
            onError: { target: "#space.backingOff", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        creating: {
          invoke: {
            id: "createSpace",
            src: "createSpace",
            input: () => ({}),
            onDone: {
              target: "announcing",
              actions: [{ type: "setSpace", params: ({ event }) => event.output }, "goOn"],
            },
            onError: [
              {
                guard: { type: "isTaken", params: ({ event }) => event },
                target: "taken",
                actions: { type: "fail", params: ({ event }) => event },
              },
              { target: "#space.backingOff", actions: { type: "fail", params: ({ event }) => event } },
            ],
          },
        },
        /** Most likely by ourselves, before a crash: resolving tells. */
        taken: { after: { retry: "resolving" } },
        announcing: {
          invoke: {
            id: "listResidents",
            src: "listResidents",
            input: () => ({}),
            onDone: {
              target: "inviting",
              actions: [
                {
                  type: "tell",
                  params: ({ context, event }) => event.output.map((to) => ({ to, event: whereabouts(context) })),
                },
                "goOn",
              ],
            },
            onError: { target: "#space.backingOff", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        inviting: {
          invoke: {
            id: "inviteToSpace",
            src: "inviteToSpace",
            input: ({ context: { spaceId = "" } }) => ({ spaceId }),
            onDone: "done",
            onError: { target: "#space.backingOff", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        done: { type: "final" },
        interrupted: { type: "history" },
      },
    },
    backingOff: {
      after: { retry: "provisioning.interrupted" },
    },
    ready: {},
  },
});

function whereabouts({ spaceId = "" }: SpaceContext) {
  return { type: "SPACE_READY", spaceId };
}

function tellAsker(context: SpaceContext, { asker }: SpaceEvent): Tell {
  return { to: asker, event: whereabouts(context) };
}
