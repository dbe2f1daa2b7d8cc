import { v4 } from "uuid";
import { serverOfUser } from "../../machines/addresses.ts";
import type { Polled, PollInput } from "../../machines/agent/context.ts";
import type { agentMachine } from "../../machines/agent/index.ts";
import type { Heard } from "../../machines/question.ts";
import type { JoinedRoom, MatrixClient, MatrixEvent, SyncFilter } from "../../matrix/port.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { syncFrom } from "../cursor.ts";
import { adoptionMarker, adoptionOf } from "../marker.ts";
import { RoomState } from "../room-state.ts";
import type { Sessions } from "../sessions.ts";
import { replacementOf } from "../upgrade.ts";
import { changeTypes, isChanged } from "./changes.ts";
import type { CommandPolicy } from "./command.ts";
import { type InvitationPolicy, judge } from "./invitations.ts";
import { hear, type Listener } from "./listen.ts";
import { heardTypes, readBack } from "./read-back.ts";
import type { RoomOptions } from "./room.ts";
import { commandsStillMeant } from "./still-meant.ts";
import { overlap, unansweredIn } from "./unanswered.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

const watchedTypes = [...heardTypes, "m.reaction", ...changeTypes];

type CoreUsers = Pick<RoomOptions, "admins" | "readers">;

/** How long the homeserver may hold a poll, ms. */
const pollTimeout = 30_000;
/** The least time between two polls that bring nothing, ms: a homeserver can answer at once in a tight loop. */
const leastInterval = 250;
/** How long a poll may give no sign of life, ms: each answer of the homeserver's takes less. */
export const longestPollSilence = 300_000;
/** Events that mean nothing to us after which the cursor is moved all the same, so that it never lags far behind. */
const mostPassed = 200;

/**
 * One long-poll after the other until there is something to hand on. The cursor it gives passes just that. After
 * trouble the first answer ends it: it shows that all is well again. After a restart the first poll is not held, so that
 * it is another request than the one that was cut off: Synapse answers a repeated one out of its memory for two minutes,
 * where a message may stand that its author has taken back since. Where the homeserver pushes, one poll that is not held
 * brings what was said before that, and is the last.
 */
export function poll(
  sessions: Sessions,
  clock: Clock,
  rooms: CoreUsers,
  policy: InvitationPolicy,
  commands: CommandPolicy,
  pushes = false,
): AgentEffects["poll"] {
  const core = new Set([...rooms.admins, ...rooms.readers]);
  return async (input, { signal, restarted, beat }) => {
    const client = sessions.as(input.userId).at("conversation");
    const filter = filterOf(watchedTypes, [input.userId]);
    const own = { roomId: input.roomId, core };
    const recovering = input.recovering === true;
    let { since = "" } = input;
    let passed = 0;
    let timeoutMs = recovering || restarted || pushes ? 0 : pollTimeout;
    for (;;) {
      const begun = clock.elapsed();
      const response = await syncFrom(client, { since, timeoutMs, filter }, signal);
      beat();
      const { nextBatch, joined } = response;
      const heard: Heard[] = [];
      const { invited, isLetIn } = await judge(client, response, input, policy, signal);
      let changed = isLetIn || response.left.includes(input.roomId);
      for (const room of joined) {
        const { events, cut } = await newIn(client, room, { since, beat }, signal);
        passed += events.length;
        changed ||= isChanged(events, room.roomId, own);
        heard.push(...heardIn(events, cut, since, room.roomId, { ...input, commanders: commands.people }));
      }
      if (heard.length > 0 || changed || invited.length > 0 || recovering || pushes || passed >= mostPassed)
        return {
          since: nextBatch,
          heard,
          ...(changed && { changed }),
          ...(invited.length > 0 && { invited }),
          ...(pushes && { pushes }),
        };
      since = nextBatch;
      timeoutMs = pollTimeout;
      const rest = begun + leastInterval - clock.elapsed();
      if (rest > 0) await sleep(clock, rest, signal);
    }
  };
}

const tombstone = "m.room.tombstone";

function goesOnElsewhere({ state, timeline }: JoinedRoom): boolean {
  const known = [...state, ...timeline].filter(({ stateKey }) => stateKey !== undefined);
  return replacementOf(new RoomState(known)) !== undefined;
}

/** Names what was cut at a first look, which has no cursor. */
const firstLook = "first look";
/** The same of all further looks: in a room where the agent never speaks each of them would tell of the same again. */
const furtherLook = "further look";

/** What the homeserver pushes, and since when, in ms since the epoch, all that is heard is known: not before this store was. */
export interface PushedIntake {
  readonly knownSince: number;
}

/** For so long what was heard once is known for certain, ms. */
export const remembered = 86_400_000;

/**
 * The first look, without a cursor: hears what was said in each room since the agent was let in, less everything up to
 * the newest question that has a final answer of ours. What was said before the agent was adopted, in whatever room, was
 * another system's to answer. Where the homeserver pushes, a further look also hears what was said shortly before that
 * question and has no answer: it may not have been pushed although the question was. Of what is older than the store nobody
 * knows here whether it was heard; it may have been answered by silence.
 */
export function catchUp(
  sessions: Sessions,
  clock: Clock,
  policy: InvitationPolicy,
  commands: CommandPolicy,
  pushes?: PushedIntake,
): AgentEffects["catchUp"] {
  return async (input, { signal }): Promise<Polled> => {
    const client = sessions.as(input.userId).at("conversation");
    // Synapse leaves out a room in which nothing recent passes the filter: its creation always does.
    // Nobody, and another nobody each time: Synapse answers a repeated request out of its memory for two minutes, which
    // would be what an earlier store has seen, with a cursor before all that it has heard since.
    const nobody = `@${v4()}:${serverOfUser(input.userId)}`;
    const further = input.lost === undefined ? undefined : pushes;
    const isFurther = further !== undefined;
    const types = [...heardTypes, "m.room.member", tombstone, ...(isFurther ? ["m.reaction"] : [])];
    const filter = { ...filterOf(types, [nobody]), stateTypes: ["m.room.create", tombstone] };
    const response = await client.sync({ timeoutMs: 0, filter }, signal);
    const { nextBatch, joined } = response;
    const { invited, isLetIn } = await judge(client, response, input, policy, signal);
    const own = joined.find(({ roomId }) => roomId === input.roomId);
    // Nobody else may ever tell that it is not in its room any more, or that the room goes on elsewhere.
    const changed = isLetIn || own === undefined || goesOnElsewhere(own);
    const doubtful = further && Math.max(further.knownSince, clock.now() - remembered);
    // Whatever is newer was asked of Letta only if it is known here. An earlier store may have taken what is older.
    const certain = (doubtful ?? Number.POSITIVE_INFINITY) + (input.store === undefined ? 0 : overlap);
    const isKnown = (at: number): boolean => at > certain;
    const gap = isFurther ? furtherLook : lookOf(input);
    const heardSince = async (floor: number): Promise<Heard[]> => {
      const bounds = { floor, ...(doubtful !== undefined && { doubtful }) };
      const heard: Heard[] = [];
      for (const room of joined) {
        const { events, cut, answered } = await unansweredIn(client, room, bounds, types, signal);
        const said = heardIn(events, cut, gap, room.roomId, { ...input, commanders: commands.people });
        // Of other commands nobody knows any more what they were about.
        const meant = commandsStillMeant(events, said, input.userId, answered);
        const sentAt = new Map(events.map(({ eventId, originServerTs }) => [eventId, originServerTs]));
        for (const one of said)
          if (one.kind === "question") {
            const { eventId, sentAt: at } = one.question;
            if (!answered.has(eventId)) heard.push(isKnown(at) ? one : asMaybeAsked(one));
          } else if (one.kind === "command") {
            const { eventId } = one.command;
            if (meant.has(eventId) && isKnown(sentAt.get(eventId) ?? 0)) heard.push(one);
          } else heard.push(one);
      }
      return heard;
    };
    // Of thousands that look one after the other most find nothing, from whenever on: they need not ask since when.
    const isWhole = joined.every(({ limited }) => !limited);
    const isQuiet = isWhole && (await heardSince(0)).length === 0;
    const adopted = isQuiet ? undefined : await client.state(input.roomId, adoptionMarker, "", signal);
    const heard = isQuiet ? [] : await heardSince(adoptionOf(adopted)?.at ?? 0);
    return {
      since: nextBatch,
      heard,
      ...(changed && { changed }),
      ...(invited.length > 0 && { invited }),
      ...(pushes && { pushes: true }),
    };
  };
}

function lookOf({ store, lost }: PollInput): string {
  const after = lost === undefined ? "" : ` after ${lost}`;
  return store === undefined ? `${firstLook}${after}` : `${firstLook} ${store}${after}`;
}

function filterOf(timelineTypes: readonly string[], notSenders: readonly string[]): SyncFilter {
  return { timelineTypes, timelineLimit: 50, stateTypes: [], notSenders };
}

interface News {
  readonly since: string;
  beat(): void;
}

async function newIn(client: MatrixClient, room: JoinedRoom, { since: to, beat }: News, signal: AbortSignal) {
  const { timeline, limited } = room;
  if (!limited) return { events: timeline, cut: false };
  const gap = await readBack(client, room, { types: watchedTypes, to, isEnd: () => false, onPage: beat }, signal);
  return { events: [...gap.events, ...timeline], cut: gap.cut };
}

function heardIn(
  events: readonly MatrixEvent[],
  cut: boolean,
  gap: string,
  roomId: string,
  { userId, roomId: ownRoomId, commanders }: PollInput & Pick<Listener, "commanders">,
): Heard[] {
  const heard = events.flatMap((event) => hear(event, roomId, { userId, ownRoomId, commanders }) ?? []);
  return cut ? [{ kind: "cut", roomId, gap }, ...heard] : heard;
}

function asMaybeAsked({ question, ...heard }: Extract<Heard, { kind: "question" }>): Heard {
  return { ...heard, question: { ...question, maybeAsked: true } };
}
