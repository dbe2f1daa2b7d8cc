import { and, assign, not, or, setup, stateIn } from "xstate";
import type { ActorId } from "../../runtime/actor-id.ts";
import type { Tell } from "../../runtime/step.ts";
import { effect } from "../placeholder.ts";
import { failureOf, timeOf, troubleWith } from "../wait.ts";
import {
  type AgentContext,
  type AgentEvent,
  type AgentInput,
  backoffAfter,
  type FailedIn,
  type In,
  type LinkInput,
  type Missed,
  type Polled,
  type PollInput,
  withTroubles,
} from "./context.ts";

/** The words that the regions of the agent chart are written in. */

const isOnline = stateIn({ account: "online" });
/** Not retired or about to be, and not left out by the configuration. */
const isServed = or([stateIn({ life: "live" }), stateIn({ life: "missing" })]);
const isLeaving = or([stateIn({ life: "retiring" }), stateIn({ life: "retired" })]);

const lasting: ReadonlySet<string> = new Set(["forbidden", "refused", "unsupported", "taken", "squatted", "missing"]);

export const agentSetup = setup({
  types: { input: {} as AgentInput, context: {} as AgentContext, events: {} as AgentEvent },
  actors: {
    ensureAccount: effect<void, { userId: string; name: string; renew: boolean }>(),
    resolveRoom: effect<{ roomId: string | null }, { userId: string; agentId: string }>(),
    createRoom: effect<{ roomId: string }, { userId: string; agentId: string; name: string; spaceId: string }>(),
    linkToSpace: effect<void, LinkInput>(),
    invitePeople: effect<void, { userId: string; roomId: string }>(),
    /** The first look: what a new cursor passes, less what was said before the agent was there or was answered. */
    catchUp: effect<Polled, PollInput>(),
    /** Resolves as soon as there is something to hand on. */
    poll: effect<Polled, PollInput>(),
    /** All that the agent has ever talked in. */
    listConversations: effect<readonly ActorId[], { agentId: string }>(),
    /** Resolves when none of them owes anybody an answer any more. */
    awaitClosed: effect<void, { agentId: string }>(),
    markRetired: effect<void, { userId: string; agentId: string; roomId: string; name: string }>(),
    releaseAlias: effect<void, { userId: string; agentId: string; roomId: string }>(),
    unlinkRoom: effect<void, { userId: string; roomId: string; spaceId: string }>(),
    leaveRoom: effect<void, { userId: string; roomId: string }>(),
  },
  actions: {
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    setName: assign((_, { name }: { name: string }) => ({ name })),
    /** Once it has a place in one part, it hears of that one only. */
    setSpace: assign(({ context: { part: own } }, { spaceId, part = 1 }: { spaceId: string; part?: number }) =>
      own === undefined || own === part ? { spaceId, part } : {},
    ),
    setRoom: assign((_, { roomId }: { roomId: string | null }) => (roomId === null ? {} : { roomId })),
    forgetRoom: assign(() => ({ roomId: undefined })),
    beginMissing: assign(({ event }) => ({ missingSince: timeOf(event) })),
    endMissing: assign(() => ({ missingSince: undefined })),
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
    isOnline,
    isServed,
    isLeaving,
    isStaying: and([isOnline, not(isLeaving)]),
    isListening: and([isOnline, isServed]),
    isGraceOver: ({ context: { missingSince = 0 }, event }, { grace }: Missed) => timeOf(event) - missingSince >= grace,
  },
  delays: {
    accountRetry: ({ context: { troubles } }) => backoffAfter(troubles.account),
    roomRetry: ({ context: { troubles } }) => backoffAfter(troubles.room),
    intakeRetry: ({ context: { troubles } }) => backoffAfter(troubles.intake),
    lifeRetry: ({ context: { troubles } }) => backoffAfter(troubles.life),
    mendingCheck: 600_000,
  },
});
