import type { Polled } from "../../machines/agent/context.ts";
import type { agentMachine } from "../../machines/agent/index.ts";
import type { Heard } from "../../machines/question.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { syncFrom } from "../cursor.ts";
import { adoptionMarker, adoptionOf } from "../marker.ts";
import type { Sessions } from "../sessions.ts";
import { isChanged } from "./changes.ts";
import type { CommandPolicy } from "./command.ts";
import { type InvitationPolicy, judge } from "./invitations.ts";
import { syncLeanly } from "./lean-sync.ts";
import { filterOf, goesOnElsewhere, heardIn, Look, type LookOptions, seenIn } from "./look.ts";
import { newIn, watchedTypes } from "./read-back.ts";
import type { RoomOptions } from "./room.ts";
import { UnheardRooms } from "./unheard.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

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
      const response = await syncLeanly({ since, timeoutMs, filter }, (request) => syncFrom(client, request, signal));
      beat();
      const { nextBatch, joined } = response;
      const heard: Heard[] = [];
      const { invited, isLetIn } = await judge(client, response, input, policy, signal);
      let changed = isLetIn || response.left.includes(input.roomId);
      const rooms = new UnheardRooms(input);
      for (const room of joined) {
        const { roomId, timeline, limited } = room;
        const isOwed = rooms.isOwed(room);
        const owed = { events: timeline, cut: limited };
        const news = isOwed
          ? owed
          : await rooms.unlessUnreadable({ roomId, to: since }, newIn(client, room, { since, beat }, signal));
        passed += news?.events.length ?? 0;
        // What cannot be read may be a change, too.
        changed ||= news === undefined ? roomId === own.roomId : isChanged(news.events, roomId, own);
        if (news === undefined) continue;
        const said = heardIn(news.events, news.cut, since, roomId, { ...input, commanders: commands.people });
        if (!isOwed) heard.push(...said);
        else if (said.length > 0) rooms.note({ roomId, to: since });
      }
      const { all: unheard } = rooms;
      const isNews = heard.length > 0 || unheard.length > 0 || changed || invited.length > 0;
      if (isNews || recovering || pushes || passed >= mostPassed)
        return {
          since: nextBatch,
          heard,
          ...(unheard.length > 0 && { unheard }),
          ...(changed && { changed }),
          ...(invited.length > 0 && { invited }),
          // Of no room it is known how far, and that it was pushed is.
          ...(pushes && { pushes, seen: {} }),
        };
      since = nextBatch;
      timeoutMs = pollTimeout;
      const rest = begun + leastInterval - clock.elapsed();
      if (rest > 0) await sleep(clock, rest, signal);
    }
  };
}

/**
 * The first look, without a cursor: hears what was said in each room since the agent was let in, less everything up to
 * the newest question that has a final answer of ours. What was said before the agent was adopted, in whatever room, was
 * another system's to answer. Where the homeserver pushes, a further look also hears what was said shortly before that
 * question and has no answer: it may not have been pushed although the question was. Of what is older than the store nobody
 * knows here whether it was heard; it may have been answered by silence. Such a look goes no further than the last one did.
 */
export function catchUp(
  sessions: Sessions,
  clock: Clock,
  policy: InvitationPolicy,
  commands: CommandPolicy,
  options: LookOptions,
): AgentEffects["catchUp"] {
  return async (input, { self, signal }): Promise<Polled> => {
    const client = sessions.as(input.userId).at("conversation");
    const look = new Look(self, input, clock, commands, options);
    const request = { timeoutMs: 0, filter: look.filter() };
    const response = await syncLeanly(request, (lean) => client.sync(lean, signal));
    const { nextBatch, joined } = response;
    const { invited, isLetIn } = await judge(client, response, input, policy, signal);
    const own = joined.find(({ roomId }) => roomId === input.roomId);
    // Nobody else may ever tell that it is not in its room any more, or that the room goes on elsewhere.
    const changed = isLetIn || own === undefined || goesOnElsewhere(own);
    const rooms = new UnheardRooms(input);
    for (const { roomId } of joined.filter((room) => rooms.isOwed(room))) rooms.note({ roomId });
    const others = joined.filter((room) => !rooms.isOwed(room));
    const heardSince = async (floor: number): Promise<readonly Heard[]> => {
      const heard: Heard[] = [];
      for (const room of others) {
        const said = look.saidIn(client, room, floor, signal);
        heard.push(...((await rooms.unlessUnreadable({ roomId: room.roomId }, said)) ?? []));
      }
      return heard;
    };
    // Of thousands that look one after the other most find nothing, from whenever on: they need not ask since when.
    const isWhole = others.every(({ limited }) => !limited);
    const isQuiet = isWhole && (await heardSince(0)).length === 0;
    const adopted = isQuiet ? undefined : await client.state(input.roomId, adoptionMarker, "", signal);
    const heard = isQuiet ? [] : await heardSince(adoptionOf(adopted)?.at ?? 0);
    return {
      since: nextBatch,
      heard,
      ...(rooms.all.length > 0 && { unheard: rooms.all }),
      ...(changed && { changed }),
      ...(invited.length > 0 && { invited }),
      ...(options.pushes && { pushes: true as const, seen: seenIn(joined, rooms.all, input.seen) }),
    };
  };
}
