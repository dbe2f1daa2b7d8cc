import { v4 } from "uuid";
import { agentOf, serverOfUser } from "../../machines/addresses.ts";
import type { PollInput, Seen } from "../../machines/agent/context.ts";
import type { Unheard } from "../../machines/agent/owed.ts";
import { type Heard, isAddressed } from "../../machines/question.ts";
import type { JoinedRoom, MatrixClient, MatrixEvent, SyncFilter } from "../../matrix/port.ts";
import type { ActorId } from "../../runtime/actor-id.ts";
import type { Clock } from "../../runtime/clock.ts";
import { RoomState } from "../room-state.ts";
import { replacementOf } from "../upgrade.ts";
import type { CommandPolicy } from "./command.ts";
import { hear, type Listener } from "./listen.ts";
import { heardTypes } from "./read-back.ts";
import { commandsStillMeant } from "./still-meant.ts";
import { overlap, unansweredIn } from "./unanswered.ts";

/** In the state of a room that goes on elsewhere. */
const tombstone = "m.room.tombstone";

/** Whether an agent has a conversation in a room. */
export type Acquaintance = (agentId: string, roomId: string) => boolean;

export interface LookOptions {
  readonly isTalkingIn: Acquaintance;
  /** Since when, in ms since the epoch, all that is heard is known: not before this store was. */
  readonly knownSince: number;
  /** Whether the homeserver pushes what is said. */
  readonly pushes: boolean;
}

/** Names what was cut at a first look, which has no cursor. */
const firstLook = "first look";
/** The same of all further looks: in a room where the agent never speaks each of them would tell of the same again. */
const furtherLook = "further look";

/** For so long what was heard once is known for certain, ms. */
export const remembered = 86_400_000;

/** A look without a cursor at what was said in rooms: what it takes for heard, and what for answered. */
export class Look {
  readonly types: readonly string[];
  readonly #input: PollInput & Pick<Listener, "commanders">;
  readonly #gap: string;
  readonly #doubtful: number | undefined;
  readonly #certain: number;
  readonly #seen: Seen;
  readonly #isTalkingIn: (roomId: string) => boolean;

  constructor(
    self: ActorId,
    input: PollInput,
    clock: Clock,
    commands: CommandPolicy,
    { pushes, knownSince, isTalkingIn }: LookOptions,
  ) {
    // What was not pushed, or waited for the agent when the homeserver was told to push no more, is looked for all the same.
    const isFurther = input.lost !== undefined && (pushes || input.seen !== undefined);
    this.types = [...heardTypes, "m.room.member", tombstone, ...(isFurther ? ["m.reaction"] : [])];
    this.#input = { ...input, commanders: commands.people };
    this.#gap = isFurther ? furtherLook : lookOf(input);
    this.#doubtful = isFurther ? Math.max(knownSince, clock.now() - remembered) : undefined;
    // Whatever is newer was asked of Letta only if it is known here. An earlier store may have taken what is older.
    this.#seen = isFurther ? (input.seen ?? {}) : {};
    this.#isTalkingIn = (roomId) => isTalkingIn(agentOf(self), roomId);
    this.#certain = (this.#doubtful ?? Number.POSITIVE_INFINITY) + (input.store === undefined ? 0 : overlap);
  }

  /**
   * Of a sync without a cursor, for all that is said. Synapse leaves out a room in which nothing recent passes the filter:
   * its creation always does. It leaves out what nobody says, and another nobody each time: Synapse answers a repeated
   * request out of its memory for two minutes, which would be what an earlier store has seen, with a cursor before all that
   * it has heard since.
   */
  filter(): SyncFilter {
    const nobody = `@${v4()}:${serverOfUser(this.#input.userId)}`;
    return { ...filterOf(this.types, [nobody]), stateTypes: ["m.room.create", tombstone] };
  }

  /** What was said in the room since `floor` and is for the agent to answer, or to do. */
  async saidIn(client: MatrixClient, room: JoinedRoom, floor: number, signal: AbortSignal): Promise<Heard[]> {
    const seen = this.#seen[room.roomId];
    const bounds = {
      floor,
      ...(this.#doubtful !== undefined && { doubtful: this.#doubtful }),
      ...(seen !== undefined && { seen }),
    };
    const { events, cut, answered } = await unansweredIn(client, room, bounds, this.types, signal);
    const heard = heardIn(events, false, this.#gap, room.roomId, this.#input);
    const isToldOf = cut && (heard.some(isAddressed) || this.#isKnownIn(room.roomId, events));
    const said: Heard[] = isToldOf ? [{ kind: "cut", roomId: room.roomId, gap: this.#gap }, ...heard] : heard;
    // Of other commands nobody knows any more what they were about.
    const meant = commandsStillMeant(events, said, this.#input.userId, answered);
    const sentAt = new Map(events.map(({ eventId, originServerTs }) => [eventId, originServerTs]));
    return said.flatMap((one) => {
      if (one.kind === "question") {
        const { eventId, sentAt: at } = one.question;
        if (answered.has(eventId)) return [];
        return this.#isKnown(at) ? one : asMaybeAsked(one);
      }
      if (one.kind !== "command") return one;
      const { eventId } = one.command;
      return meant.has(eventId) && this.#isKnown(sentAt.get(eventId) ?? 0) ? one : [];
    });
  }

  /** Where people talk among themselves and never with the agent, nobody waits for its having read all of it. */
  #isKnownIn(roomId: string, events: readonly MatrixEvent[]): boolean {
    const { userId, roomId: ownRoomId } = this.#input;
    const hasSpoken = events.some(({ sender, stateKey }) => sender === userId && stateKey === undefined);
    return roomId === ownRoomId || hasSpoken || this.#isTalkingIn(roomId);
  }

  #isKnown(at: number): boolean {
    return at > this.#certain;
  }
}

/** Whether the room was upgraded, as a look tells. */
export function goesOnElsewhere({ state, timeline }: JoinedRoom): boolean {
  const known = [...state, ...timeline].filter(({ stateKey }) => stateKey !== undefined);
  return replacementOf(new RoomState(known)) !== undefined;
}

/** How far all is heard after a look at these rooms. One that is told of as a whole each time needs no mark. */
export function seenIn(joined: readonly JoinedRoom[], unheard: readonly Unheard[], before: Seen = {}): Seen {
  const seen: Record<string, string> = {};
  for (const { roomId, limited, timeline } of joined) {
    const isHeard = unheard.every((one) => one.roomId !== roomId);
    const newest = isHeard && limited ? timeline.findLast(({ type }) => heardTypes.includes(type))?.eventId : undefined;
    const mark = newest ?? before[roomId];
    if (mark !== undefined) seen[roomId] = mark;
  }
  return seen;
}

export function filterOf(timelineTypes: readonly string[], notSenders: readonly string[]): SyncFilter {
  return { timelineTypes, timelineLimit: 50, stateTypes: [], notSenders };
}

export function heardIn(
  events: readonly MatrixEvent[],
  cut: boolean,
  gap: string,
  roomId: string,
  { userId, roomId: ownRoomId, commanders }: PollInput & Pick<Listener, "commanders">,
): Heard[] {
  const heard = events.flatMap((event) => hear(event, roomId, { userId, ownRoomId, commanders }) ?? []);
  return cut ? [{ kind: "cut", roomId, gap }, ...heard] : heard;
}

function lookOf({ store, lost }: PollInput): string {
  const after = lost === undefined ? "" : ` after ${lost}`;
  return store === undefined ? `${firstLook}${after}` : `${firstLook} ${store}${after}`;
}

function asMaybeAsked({ question, ...heard }: Extract<Heard, { kind: "question" }>): Heard {
  return { ...heard, question: { ...question, maybeAsked: true } };
}
