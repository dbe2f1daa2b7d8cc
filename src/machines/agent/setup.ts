import { and, assign, not, or, setup, stateIn } from "xstate";
import type { ActorId } from "../../runtime/actor-id.ts";
import type { Tell } from "../../runtime/step.ts";
import { effect } from "../placeholder.ts";
import { failureOf, isCursorRefused, timeOf, troubleWith } from "../wait.ts";
import { answered, answeringAlso } from "./answering.ts";
import {
  type AgentContext,
  type AgentEvent,
  type AgentInput,
  type Answered,
  type Avatar,
  backoffAfter,
  changesWith,
  type FailedIn,
  type In,
  type Invitation,
  type LinkInput,
  type Missed,
  noticedAfter,
  type Polled,
  type PollInput,
  type ProfileInput,
  type PushedInvitation,
  type ReadInput,
  type ReadOwed,
  type RoomInput,
  withTroubles,
} from "./context.ts";
import { beginReading, owe, putOff, settle } from "./owed.ts";

interface Place {
  readonly spaceId: string;
  readonly part?: number;
}

const isOnline = stateIn({ account: "online" });
/** Not retired or about to be, and not left out by the configuration. */
const isServed = or([stateIn({ life: "live" }), stateIn({ life: "missing" })]);
const isLeaving = or([stateIn({ life: "retiring" }), stateIn({ life: "retired" })]);

const lasting: ReadonlySet<string> = new Set(["forbidden", "refused", "unsupported", "taken", "squatted", "missing"]);
/** What trying the same step again at once would not change. */
const passable: ReadonlySet<string> = new Set([...lasting, "too-large", "malformed", "failed", "gone"]);

/** The words that the regions of the agent chart are written in. */
export const agentSetup = setup({
  types: { input: {} as AgentInput, context: {} as AgentContext, events: {} as AgentEvent },
  actors: {
    ensureAccount: effect<void, { userId: string; name: string; renew: boolean }>(),
    /** Gives the picture that the agent shows from now on, if it shows one. */
    ensureProfile: effect<{ avatar: Avatar | null }, ProfileInput>(),
    /** Gives no room only when it is certain that there is none. */
    resolveRoom: effect<{ roomId: string | null }, { userId: string; agentId: string; roomId: string | null }>(),
    createRoom: effect<{ roomId: string }, RoomInput & { spaceId: string }>(),
    /** Tells in the room what was said in Letta before. */
    importHistory: effect<void, { userId: string; agentId: string; name: string; roomId: string }>(),
    linkToSpace: effect<void, LinkInput>(),
    /** Puts right whatever in the room is not as it would be made now. */
    furnishRoom: effect<void, RoomInput & { roomId: string }>(),
    invitePeople: effect<void, { userId: string; roomId: string }>(),
    /** Gives the agent tools of ours at Letta, where the operator wants that; else takes away what it was given. */
    attachTools: effect<void, { agentId: string }>(),
    detachTools: effect<void, { agentId: string }>(),
    /** The first look: what a new cursor passes, less what was said before the agent was there or was answered. */
    catchUp: effect<Polled, PollInput>(),
    /** Resolves as soon as there is something to hand on. */
    poll: effect<Polled, PollInput>(),
    /** What was said in a room whose past could not be read before. */
    readOwed: effect<ReadOwed, ReadInput>(),
    /** All that the agent has ever talked in. */
    listConversations: effect<readonly ActorId[], { agentId: string }>(),
    /** Resolves when none of them owes anybody an answer any more. */
    awaitClosed: effect<void, { agentId: string }>(),
    markRetired: effect<void, { userId: string; agentId: string; roomId: string; name: string }>(),
    releaseAlias: effect<void, { userId: string; agentId: string; roomId: string }>(),
    unlinkRoom: effect<void, { userId: string; roomId: string; spaceId: string }>(),
    leaveRoom: effect<void, { userId: string; roomId: string; spaceId: string }>(),
  },
  actions: {
    /** Accepts and declines them, however long that takes; hearing does not wait for it. */
    answerInvitations: (
      _,
      _params: { userId: string; roomId: string; spaceId?: string; invited: readonly Invitation[] },
    ) => undefined,
    /** The same for those that were pushed, of which nobody has judged yet. */
    considerInvitations: (
      _,
      _params: { userId: string; roomId: string; spaceId?: string; invited: readonly PushedInvitation[] },
    ) => undefined,
    tell: (_, _params: Tell | readonly Tell[]) => undefined,
    setName: assign((_, { name }: { name: string }) => ({ name, newName: undefined })),
    setNewName: assign((_, { name }: { name: string }) => ({ newName: name })),
    keepName: assign(() => ({ newName: undefined })),
    setAvatar: assign((_, { avatar }: { avatar: Avatar | null }) => ({ avatar: avatar ?? undefined })),
    setSpace: assign((_, { spaceId, part = 1 }: Place) => ({ spaceId, part })),
    /** In its own room more is meant for it than was taken for that before. */
    setRoom: assign(({ context }, { roomId }: { roomId: string | null }) =>
      roomId === null ? {} : { roomId, ...(roomId !== context.roomId && { seen: undefined }) },
    ),
    forgetRoom: assign(() => ({ roomId: undefined, imported: false })),
    pause: assign(({ event }, { reason }: { reason?: string }) => ({
      paused: { since: timeOf(event), ...(reason !== undefined && { reason }) },
    })),
    resume: assign(() => ({ paused: undefined })),
    beginMissing: assign(({ event }) => ({ missingSince: timeOf(event) })),
    endMissing: assign(() => ({ missingSince: undefined })),
    setImported: assign(() => ({ imported: true })),
    forgetCursor: assign((_, { store }: { store: string }) => ({ since: undefined, seen: undefined, store })),
    /** Who is in touch needs no cursor, and should have none that grows old. */
    advance: assign(({ context }, { since, pushes, unheard, seen = context.seen }: Omit<Polled, "heard">) => ({
      ...owe(context, unheard),
      ...(pushes === true ? { since: undefined, inTouch: true as const, seen } : { since, seen: undefined }),
    })),
    /** What is said where something older is still to be heard is read together with that. */
    holdBack: assign(({ context }, { heard }: Pick<Polled, "heard">) => {
      const { owed = [] } = context;
      return owe(
        context,
        owed.filter(({ roomId }) => heard.some((one) => one.roomId === roomId)),
      );
    }),
    beginReading: assign(({ context }) => beginReading(context)),
    settle: assign(({ context }, read: ReadOwed) => settle(context, read)),
    putOff: assign(({ context }, event: { readonly error: unknown }) =>
      putOff(context, failureOf(event).kind === "unreadable"),
    ),
    loseTouch: assign(({ context: { lost = 0 } }) => ({ inTouch: undefined, lost: lost + 1 })),
    /** What comes after it is read back from the rooms. */
    dropCursor: assign(({ context: { lost = 0 } }) => ({ since: undefined, lost: lost + 1 })),
    beginAnswering: assign(({ context, event }, look: Pick<Polled, "invited">) =>
      answeringAlso(context, look, timeOf(event)),
    ),
    endAnswering: assign(({ context }, { rooms }: Pick<Answered, "rooms">) => answered(context, rooms)),
    lookAgain: assign(() => ({ stale: true, changes: 0 })),
    noteChange: assign(({ context, event }, { changed }: { readonly changed?: true }) =>
      changed === undefined ? {} : changesWith(context, timeOf(event)),
    ),
    /** Each look finds the same, as long as it is so: that is no further change. */
    noteFound: assign((_, { changed }: { readonly changed?: true }) => (changed === undefined ? {} : { stale: true })),
    looking: assign(() => ({ stale: false })),
    refuseToken: assign(() => ({ tokenRefused: true })),
    renewed: assign(() => ({ tokenRefused: false })),
    fail: assign(({ context: { troubles } }, { concern, event }: FailedIn) =>
      withTroubles({ ...troubles, [concern]: troubleWith(event, troubles[concern]) }),
    ),
    goOn: assign(({ context: { troubles } }, { concern }: In) => {
      const { [concern]: _over, ...others } = troubles;
      return withTroubles(others);
    }),
    /** What was wrong in a room that the agent leaves is not its concern any more. */
    leaveTroubles: assign(({ context: { troubles } }) =>
      withTroubles({ ...(troubles.account !== undefined && { account: troubles.account }) }),
    ),
  },
  guards: {
    isConfirmed: ({ context }, { name }: { name: string }) => context.newName === name,
    isSameName: ({ context }, { name }: { name: string }) => context.name === name,
    /** Once it has a place in one part of the space, it hears of that one only. */
    isOtherSpace: ({ context: { spaceId: known, part: own } }, { spaceId, part = 1 }: Place) =>
      known !== spaceId && (own === undefined || own === part),
    isImported: ({ context }) => context.imported,
    isNamed: ({ context }) => context.name !== undefined,
    knowsSpace: ({ context }) => context.spaceId !== undefined,
    hasCursor: ({ context }) => context.since !== undefined,
    isCursorRefused: ({ context: { troubles } }) => isCursorRefused(troubles.intake),
    hasRoom: ({ context }) => context.roomId !== undefined,
    isElsewhere: ({ context }, { roomId }: { roomId: string | null }) =>
      roomId !== null && context.roomId !== undefined && roomId !== context.roomId,
    isThere: (_, { roomId }: { roomId: string | null }) => roomId !== null,
    /** Only a person can end it; it is tried again from time to time all the same. */
    isLasting: ({ context: { troubles } }, { concern }: In) => lasting.has(troubles[concern]?.kind ?? ""),
    isPassable: (_, event: { readonly error: unknown }) => passable.has(failureOf(event).kind ?? ""),
    /** Something about the room could not be made as it should be. */
    isWanting: ({ context: { troubles } }) =>
      (["profile", "history", "link", "contents", "people", "tools"] as const).some(
        (one) => troubles[one] !== undefined,
      ),
    isStale: ({ context }) => context.stale,
    isTokenRefused: ({ context: { troubles } }, { concern }: In) => troubles[concern]?.kind === "token",
    /** A token that is refused right after it was renewed is not renewed again at once. */
    isTokenOld: ({ context: { troubles } }, { concern }: In) =>
      troubles[concern]?.kind === "token" && troubles[concern].tries === 1,
    isTaken: (_, event: { readonly error: unknown }) => failureOf(event).kind === "taken",
    isOwing: ({ context }) => context.owed !== undefined,
    isInTouch: ({ context }) => context.inTouch === true,
    isInvited: (_, { invited }: { readonly invited?: readonly unknown[] }) => invited !== undefined,
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
    arrearsRetry: ({ context: { troubles } }) => backoffAfter(troubles.arrears),
    lifeRetry: ({ context: { troubles } }) => backoffAfter(troubles.life),
    mendingCheck: 600_000,
    listAgain: 5_000,
    /** Several changes at once are looked at once, and two who undo each other's changes for ever do so ever less often. */
    noticed: ({ context }) => noticedAfter(context),
  },
});
