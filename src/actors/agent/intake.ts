import type { agentMachine, Polled, PollInput } from "../../machines/agent.ts";
import type { Heard } from "../../machines/question.ts";
import type { JoinedRoom, MatrixClient, MatrixEvent, SyncFilter } from "../../matrix/port.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { turnMarkOf } from "../marker.ts";
import type { Sessions } from "../sessions.ts";
import { hear } from "./listen.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

const heardTypes = ["m.room.message", "m.room.encrypted"] as const;

/** How long the homeserver may hold a poll, ms. */
const pollTimeout = 30_000;
/** The least time between two polls that bring nothing, ms: a homeserver can answer at once in a tight loop. */
const leastInterval = 250;
/** Pages of a gap that are read, of 100 events each. What lies before is said to be cut. */
const mostPages = 50;

/** One long-poll after the other until there is something to hand on. The cursor it gives passes just that. */
export function poll(sessions: Sessions, clock: Clock): AgentEffects["poll"] {
  return async (input, { signal }) => {
    const client = sessions.as(input.userId);
    const filter = filterOf([...heardTypes], [input.userId]);
    let { since = "" } = input;
    for (;;) {
      const begun = clock.now();
      const { nextBatch, joined } = await client.sync({ since, timeoutMs: pollTimeout, filter }, signal);
      const heard: Heard[] = [];
      for (const room of joined) heard.push(...(await newIn(client, room, since, input, signal)));
      if (heard.length > 0) return { since: nextBatch, heard };
      since = nextBatch;
      const rest = begun + leastInterval - clock.now();
      if (rest > 0) await sleep(clock, rest, signal);
    }
  };
}

/**
 * The first look, without a cursor: hears what was said in each room since the agent joined it, less everything up to
 * the newest question that has a final answer of ours.
 */
export function catchUp(sessions: Sessions): AgentEffects["catchUp"] {
  return async (input, { signal }): Promise<Polled> => {
    const client = sessions.as(input.userId);
    const filter = filterOf([...heardTypes, "m.room.member"], []);
    const { nextBatch, joined } = await client.sync({ timeoutMs: 0, filter }, signal);
    const heard: Heard[] = [];
    for (const room of joined) heard.push(...(await unansweredIn(client, room, input, signal)));
    return { since: nextBatch, heard };
  };
}

function filterOf(timelineTypes: readonly string[], notSenders: readonly string[]): SyncFilter {
  return { timelineTypes, timelineLimit: 50, stateTypes: [], notSenders };
}

async function newIn(
  client: MatrixClient,
  room: JoinedRoom,
  since: string,
  input: PollInput,
  signal: AbortSignal,
): Promise<Heard[]> {
  const gap = room.limited ? await readBack(client, room, { until: () => false, to: since }, signal) : [];
  return heardIn(unique([...gap, ...room.timeline]), room.roomId, input);
}

async function unansweredIn(
  client: MatrixClient,
  room: JoinedRoom,
  input: PollInput,
  signal: AbortSignal,
): Promise<Heard[]> {
  const { userId } = input;
  const isEnd = (event: MatrixEvent): boolean => isOwnJoin(event, userId) || answeredBy(event, userId) !== undefined;
  const complete = !room.limited || room.timeline.some(isEnd);
  const earlier = complete ? [] : await readBack(client, room, { until: isEnd }, signal);
  const events = unique([...earlier, ...room.timeline]);
  const joined = events.findLastIndex((event) => isOwnJoin(event, userId));
  const answered = new Set(events.map((event) => answeredBy(event, userId)));
  const lastAnswered = events.findLastIndex(({ eventId }) => answered.has(eventId));
  // The newest answered question may lie before what was read: then its answer marks the place.
  const lastAnswer = lastAnswered >= 0 ? -1 : events.findLastIndex((event) => answeredBy(event, userId) !== undefined);
  return heardIn(events.slice(Math.max(joined, lastAnswered, lastAnswer) + 1), room.roomId, input);
}

interface Reach {
  readonly until: (event: MatrixEvent) => boolean;
  readonly to?: string;
}

/** The events before a timeline, oldest first, back to the cursor `to` or to an event that `until` knows. */
async function readBack(
  client: MatrixClient,
  { roomId, prevBatch }: JoinedRoom,
  { until, to }: Reach,
  signal: AbortSignal,
): Promise<MatrixEvent[]> {
  const pages: MatrixEvent[][] = [];
  let from = prevBatch;
  for (let page = 0; from !== undefined && page < mostPages; page++) {
    const types = to === undefined ? [...heardTypes, "m.room.member"] : heardTypes;
    const request = { from, dir: "b", limit: 100, types, ...(to !== undefined && { to }) } as const;
    const { chunk, end } = await client.messages(roomId, request, signal);
    pages.push(chunk.toReversed());
    from = chunk.some(until) ? undefined : end;
  }
  return pages.toReversed().flat();
}

function heardIn(events: readonly MatrixEvent[], roomId: string, { userId, roomId: ownRoomId }: PollInput): Heard[] {
  return events.flatMap((event) => hear(event, roomId, { userId, ownRoomId }) ?? []);
}

function isOwnJoin({ type, stateKey, content }: MatrixEvent, userId: string): boolean {
  return type === "m.room.member" && stateKey === userId && content["membership"] === "join";
}

/** The question that this event is our final answer to. */
function answeredBy({ sender, content }: MatrixEvent, userId: string): string | undefined {
  const mark = sender === userId ? turnMarkOf(content) : undefined;
  return mark?.final === true ? mark.cause : undefined;
}

function unique(events: readonly MatrixEvent[]): MatrixEvent[] {
  return [...new Map(events.map((event) => [event.eventId, event])).values()];
}
