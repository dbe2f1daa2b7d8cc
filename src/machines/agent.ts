import { and, assign, not, raise, setup, stateIn } from "xstate";
import type { Tell } from "../runtime/step.ts";
import {
  type AgentContext,
  type AgentEvent,
  type AgentInput,
  askForSpace,
  backoffAfter,
  type FailedIn,
  handOn,
  type In,
  type Polled,
  type PollInput,
  pollInput,
  withTroubles,
} from "./agent-context.ts";
import { effect } from "./placeholder.ts";
import { failureOf, troubleWith } from "./wait.ts";

/** One Letta agent's presence on Matrix: its account, its room, and what it hears. */

const lasting: ReadonlySet<string> = new Set(["forbidden", "refused", "unsupported", "taken", "squatted", "missing"]);

export const agentMachine = setup({
  types: { input: {} as AgentInput, context: {} as AgentContext, events: {} as AgentEvent },
  actors: {
    ensureAccount: effect<void, { userId: string; name: string; renew: boolean }>(),
    resolveRoom: effect<{ roomId: string | null }, { userId: string; agentId: string }>(),
    createRoom: effect<{ roomId: string }, { userId: string; agentId: string; name: string; spaceId: string }>(),
    linkToSpace: effect<void, { userId: string; roomId: string; spaceId: string }>(),
    invitePeople: effect<void, { userId: string; roomId: string }>(),
    /** The first look: what a new cursor passes, less what was said before the agent was there or was answered. */
    catchUp: effect<Polled, PollInput>(),
    /** Resolves as soon as there is something to hand on. */
    poll: effect<Polled, PollInput>(),
  },
  actions: {
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    setName: assign((_, { name }: { name: string }) => ({ name })),
    setSpace: assign((_, { spaceId }: { spaceId: string }) => ({ spaceId })),
    setRoom: assign((_, { roomId }: { roomId: string | null }) => (roomId === null ? {} : { roomId })),
    advance: assign((_, { since }: { since: string }) => ({ since })),
    refuseToken: assign(() => ({ tokenRefused: true })),
    renewed: assign(() => ({ tokenRefused: false })),
    fail: assign(({ context: { troubles } }, { region, event }: FailedIn) =>
      withTroubles({ ...troubles, [region]: troubleWith(event, troubles[region]) }),
    ),
    goOn: assign(({ context: { troubles } }, { region }: In) => {
      const { [region]: _over, ...others } = troubles;
      return withTroubles(others);
    }),
  },
  guards: {
    isNamed: ({ context }) => context.name !== undefined,
    knowsSpace: ({ context }) => context.spaceId !== undefined,
    hasCursor: ({ context }) => context.since !== undefined,
    hasRoom: ({ context }) => context.roomId !== undefined,
    isThere: (_, { roomId }: { roomId: string | null }) => roomId !== null,
    /** Only a person can end it; it is tried again from time to time all the same. */
    isLasting: ({ context: { troubles } }, { region }: In) => lasting.has(troubles[region]?.kind ?? ""),
    isTokenRefused: ({ context: { troubles } }, { region }: In) => troubles[region]?.kind === "token",
    /** A token that is refused right after it was renewed is not renewed again at once. */
    isTokenOld: ({ context: { troubles } }, { region }: In) =>
      troubles[region]?.kind === "token" && troubles[region].tries === 1,
    isTaken: (_, event: { readonly error: unknown }) => failureOf(event).kind === "taken",
    isOnline: stateIn({ account: "online" }),
  },
  delays: {
    accountRetry: ({ context: { troubles } }) => backoffAfter(troubles.account),
    roomRetry: ({ context: { troubles } }) => backoffAfter(troubles.room),
    intakeRetry: ({ context: { troubles } }) => backoffAfter(troubles.intake),
    mendingCheck: 600_000,
  },
}).createMachine({
  id: "agent",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, tokenRefused: false, troubles: {} }),
  type: "parallel",
  on: {
    DISCOVERED: { actions: { type: "setName", params: ({ event }) => event } },
    SPACE_READY: { actions: { type: "setSpace", params: ({ event }) => event } },
  },
  states: {
    account: {
      initial: "unnamed",
      states: {
        unnamed: { always: { guard: "isNamed", target: "registering" } },
        registering: {
          invoke: {
            id: "ensureAccount",
            src: "ensureAccount",
            input: ({ context: { userId, name = userId, tokenRefused } }) => ({ userId, name, renew: tokenRefused }),
            onDone: { target: "online", actions: ["renewed", { type: "goOn", params: { region: "account" } }] },
            onError: {
              target: "troubled",
              actions: { type: "fail", params: ({ event }) => ({ region: "account" as const, event }) },
            },
          },
        },
        troubled: {
          always: [
            { guard: { type: "isLasting", params: { region: "account" } }, target: "refused" },
            { target: "backingOff" },
          ],
        },
        backingOff: { after: { accountRetry: "registering" } },
        refused: { after: { mendingCheck: "registering" } },
        online: { on: { TOKEN_REFUSED: { target: "registering", actions: "refuseToken" } } },
      },
    },
    room: {
      initial: "offline",
      states: {
        offline: { always: { guard: "isOnline", target: "seekingSpace" } },
        seekingSpace: {
          entry: { type: "tell", params: ({ context }) => askForSpace(context) },
          always: { guard: "knowsSpace", target: "provisioning" },
        },
        provisioning: {
          initial: "resolving",
          always: { guard: not("isOnline"), target: "offline" },
          onDone: { target: "ready", actions: { type: "goOn", params: { region: "room" } } },
          states: {
            resolving: {
              invoke: {
                id: "resolveRoom",
                src: "resolveRoom",
                input: ({ context: { userId, agentId } }) => ({ userId, agentId }),
                onDone: [
                  {
                    guard: { type: "isThere", params: ({ event }) => event.output },
                    target: "linking",
                    actions: [
                      { type: "setRoom", params: ({ event }) => event.output },
                      { type: "goOn", params: { region: "room" } },
                    ],
                  },
                  { target: "creating" },
                ],
                onError: {
                  target: "#agent.room.troubled",
                  actions: { type: "fail", params: ({ event }) => ({ region: "room" as const, event }) },
                },
              },
            },
            creating: {
              invoke: {
                id: "createRoom",
                src: "createRoom",
                input: ({ context: { userId, agentId, name = userId, spaceId = "" } }) => ({
                  userId,
                  agentId,
                  name,
                  spaceId,
                }),
                onDone: {
                  target: "linking",
                  actions: [
                    { type: "setRoom", params: ({ event }) => event.output },
                    { type: "goOn", params: { region: "room" } },
                  ],
                },
                onError: [
                  {
                    guard: { type: "isTaken", params: ({ event }) => event },
                    target: "taken",
                    actions: { type: "fail", params: ({ event }) => ({ region: "room" as const, event }) },
                  },
                  {
                    target: "#agent.room.troubled",
                    actions: { type: "fail", params: ({ event }) => ({ region: "room" as const, event }) },
                  },
                ],
              },
            },
            /** Most likely by this agent itself, before a crash: resolving tells. */
            taken: { after: { roomRetry: "resolving" } },
            linking: {
              invoke: {
                id: "linkToSpace",
                src: "linkToSpace",
                input: ({ context: { userId, roomId = "", spaceId = "" } }) => ({ userId, roomId, spaceId }),
                onDone: { target: "inviting", actions: { type: "goOn", params: { region: "room" } } },
                onError: {
                  target: "#agent.room.troubled",
                  actions: { type: "fail", params: ({ event }) => ({ region: "room" as const, event }) },
                },
              },
            },
            inviting: {
              invoke: {
                id: "invitePeople",
                src: "invitePeople",
                input: ({ context: { userId, roomId = "" } }) => ({ userId, roomId }),
                onDone: "done",
                onError: {
                  target: "#agent.room.troubled",
                  actions: { type: "fail", params: ({ event }) => ({ region: "room" as const, event }) },
                },
              },
            },
            done: { type: "final" },
            interrupted: { type: "history" },
          },
        },
        troubled: {
          always: [
            {
              guard: { type: "isTokenOld", params: { region: "room" } },
              target: "renewing",
            },
            { guard: { type: "isTokenRefused", params: { region: "room" } }, target: "renewingLater" },
            { guard: { type: "isLasting", params: { region: "room" } }, target: "mending" },
            { target: "backingOff" },
          ],
        },
        renewing: {
          entry: raise({ type: "TOKEN_REFUSED" }),
          always: { guard: not("isOnline"), target: "offline" },
        },
        renewingLater: { always: { guard: not("isOnline"), target: "offline" }, after: { roomRetry: "renewing" } },
        backingOff: { after: { roomRetry: "provisioning.interrupted" } },
        mending: { after: { mendingCheck: "provisioning.interrupted" } },
        ready: {},
      },
    },
    intake: {
      initial: "deaf",
      states: {
        deaf: {
          always: [
            { guard: and(["hasRoom", "isOnline", "hasCursor"]), target: "polling" },
            { guard: and(["hasRoom", "isOnline"]), target: "catchingUp" },
          ],
        },
        catchingUp: {
          always: { guard: not("isOnline"), target: "deaf" },
          invoke: {
            id: "catchUp",
            src: "catchUp",
            input: ({ context }) => pollInput(context),
            onDone: {
              target: "polling",
              actions: [
                { type: "advance", params: ({ event }) => event.output },
                { type: "tell", params: ({ context, event }) => handOn(context, event.output) },
                { type: "goOn", params: { region: "intake" } },
              ],
            },
            onError: {
              target: "troubled",
              actions: { type: "fail", params: ({ event }) => ({ region: "intake" as const, event }) },
            },
          },
        },
        polling: {
          always: { guard: not("isOnline"), target: "deaf" },
          invoke: {
            id: "poll",
            src: "poll",
            input: ({ context }) => pollInput(context),
            onDone: {
              target: "polling",
              reenter: true,
              actions: [
                { type: "advance", params: ({ event }) => event.output },
                { type: "tell", params: ({ context, event }) => handOn(context, event.output) },
                { type: "goOn", params: { region: "intake" } },
              ],
            },
            onError: {
              target: "troubled",
              actions: { type: "fail", params: ({ event }) => ({ region: "intake" as const, event }) },
            },
          },
        },
        troubled: {
          always: [
            {
              guard: { type: "isTokenOld", params: { region: "intake" } },
              target: "renewing",
            },
            { guard: { type: "isTokenRefused", params: { region: "intake" } }, target: "renewingLater" },
            { target: "backingOff" },
          ],
        },
        renewing: {
          entry: raise({ type: "TOKEN_REFUSED" }),
          always: { guard: not("isOnline"), target: "deaf" },
        },
        renewingLater: { always: { guard: not("isOnline"), target: "deaf" }, after: { intakeRetry: "renewing" } },
        backingOff: { after: { intakeRetry: "deaf" } },
      },
    },
  },
});
