import { assign, setup } from "xstate";
import type { Tell } from "../runtime/step.ts";
import { effect } from "./placeholder.ts";
import {
  answerAsker,
  type MadePart,
  madePart,
  type Part,
  partOf,
  placesFor,
  type Residents,
  type SpaceContext,
  type SpaceEvent,
  type SpaceInput,
  welcome,
} from "./space-context.ts";
import { backoff, failureOf, timeOf, waitFor } from "./wait.ts";

/**
 * The space that holds every agent's room, in as many parts as it takes, and the bot that owns it. Each step reads first
 * and writes only what differs: going through them again is how what somebody changed is mended.
 */
export const spaceMachine = setup({
  types: { input: {} as SpaceInput, context: {} as SpaceContext, events: {} as SpaceEvent },
  actors: {
    ensureBot: effect<void, Record<string, never>>(),
    resolveSpace: effect<{ partId: string | null }, Part>(),
    createSpace: effect<{ partId: string }, Part>(),
    listResidents: effect<Residents, MadePart>(),
    furnishSpace: effect<void, MadePart>(),
    inviteToSpace: effect<void, MadePart>(),
    /** Takes rooms out that are no agent's any more. */
    sweepSpace: effect<void, MadePart>(),
  },
  actions: {
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    setPart: assign(({ context: { part, parts } }, { partId }: { partId: string | null }) =>
      partId === null
        ? {}
        : { partId, ...(part === 1 && { spaceId: partId }), ...(part === parts && { lastId: partId }) },
    ),
    givePlace: assign(({ context: { given } }) => ({ given: given + 1 })),
    wantPlace: assign(() => ({ wanted: true })),
    beginListing: assign(() => ({ wanted: false })),
    givePlaces: assign(({ context }, residents: Residents) => {
      const places = placesFor(context, residents);
      const isMissed = context.part === context.parts && residents.homeless.length > places;
      return { given: context.given + places, wanted: context.wanted || isMissed };
    }),
    begin: assign(() => ({ part: 1, partId: undefined })),
    nextPart: assign(({ context: { part } }) => ({ part: part + 1, partId: undefined })),
    addPart: assign(({ context: { parts } }) => ({
      part: parts + 1,
      parts: parts + 1,
      partId: undefined,
      lastId: undefined,
      given: 0,
    })),
    goOn: assign(() => ({ wait: undefined, tries: 0, retryAfterMs: 0 })),
    fail: assign(({ context: { wait, tries } }, event: { readonly error: unknown }) => ({
      wait: waitFor(event, wait),
      tries: tries + 1,
      retryAfterMs: failureOf(event).retryAfterMs ?? 0,
    })),
  },
  guards: {
    hasPlace: ({ context: { lastId, given, capacity } }) => lastId !== undefined && given < capacity,
    hasFurtherPart: ({ context: { part, parts } }) => part < parts,
    isWanted: ({ context }) => context.wanted,
    isTaken: (_, event: { readonly error: unknown }) => failureOf(event).kind === "taken",
    isThere: (_, { partId }: { partId: string | null }) => partId !== null,
  },
  delays: { retry: ({ context }) => backoff(context.tries, context.retryAfterMs) },
}).createMachine({
  id: "space",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, parts: 1, part: 1, given: 0, wanted: false, tries: 0, retryAfterMs: 0 }),
  initial: "provisioning",
  on: {
    SPACE_WANTED: [
      {
        guard: "hasPlace",
        actions: ["givePlace", { type: "tell", params: ({ context, event }) => answerAsker(context, event.asker) }],
      },
      { actions: "wantPlace" },
    ],
  },
  states: {
    provisioning: {
      initial: "registering",
      onDone: { target: "turning", actions: "goOn" },
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
            input: ({ context }) => partOf(context),
            onDone: [
              {
                guard: { type: "isThere", params: ({ event }) => event.output },
                target: "announcing",
                actions: [{ type: "setPart", params: ({ event }) => event.output }, "goOn"],
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
            input: ({ context }) => partOf(context),
            onDone: {
              target: "announcing",
              actions: [{ type: "setPart", params: ({ event }) => event.output }, "goOn"],
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
          entry: "beginListing",
          invoke: {
            id: "listResidents",
            src: "listResidents",
            input: ({ context }) => madePart(context),
            onDone: {
              target: "furnishing",
              actions: [
                { type: "tell", params: ({ context, event }) => welcome(context, event.output, timeOf(event)) },
                { type: "givePlaces", params: ({ event }) => event.output },
                "goOn",
              ],
            },
            onError: { target: "#space.backingOff", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        furnishing: {
          invoke: {
            id: "furnishSpace",
            src: "furnishSpace",
            input: ({ context }) => madePart(context),
            onDone: { target: "inviting", actions: "goOn" },
            onError: { target: "#space.backingOff", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        inviting: {
          invoke: {
            id: "inviteToSpace",
            src: "inviteToSpace",
            input: ({ context }) => madePart(context),
            onDone: { target: "sweeping", actions: "goOn" },
            onError: { target: "#space.backingOff", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        sweeping: {
          invoke: {
            id: "sweepSpace",
            src: "sweepSpace",
            input: ({ context }) => madePart(context),
            onDone: "done",
            onError: { target: "#space.backingOff", actions: { type: "fail", params: ({ event }) => event } },
          },
        },
        done: { type: "final" },
        interrupted: { type: "history" },
      },
    },
    turning: {
      always: [
        { guard: "hasFurtherPart", target: "provisioning", actions: "nextPart" },
        { guard: "isWanted", target: "placing" },
        { target: "ready" },
      ],
    },
    placing: {
      always: [
        { guard: "hasPlace", target: "provisioning.announcing" },
        { target: "provisioning", actions: "addPart" },
      ],
    },
    backingOff: {
      after: { retry: "provisioning.interrupted" },
      on: { INSPECT: { target: "provisioning", actions: "begin" } },
    },
    ready: {
      always: { guard: "isWanted", target: "placing" },
      on: { INSPECT: { target: "provisioning", actions: "begin" } },
    },
  },
});
