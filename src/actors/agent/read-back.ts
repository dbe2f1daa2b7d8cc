import {
  type JoinedRoom,
  type MatrixClient,
  MatrixError,
  type MatrixErrorKind,
  type MatrixEvent,
  type MessagesRequest,
  type MessagesResponse,
} from "../../matrix/port.ts";
import { isLastWord } from "../last-word.ts";
import { changeTypes } from "./changes.ts";

/** Event types in which people say something. */
export const heardTypes: readonly string[] = ["m.room.message", "m.room.encrypted"];

/** In which somebody changes the room, too. */
export const watchedTypes: readonly string[] = [...heardTypes, "m.reaction", ...changeTypes];

/** Pages that are read back, of 100 events each. */
const mostPages = 50;

export interface Reach {
  readonly types: readonly string[];
  /** A cursor before which nothing is read. */
  readonly to?: string;
  /** Asked of each event, the newest first; nothing before the page of the first such event is read. */
  readonly isEnd: (event: MatrixEvent) => boolean;
  /** Called for each page that has come. */
  readonly onPage?: () => void;
}

export interface Past {
  /** Oldest first. */
  readonly events: readonly MatrixEvent[];
  /** True when there is more between these events and where the reading should have ended. */
  readonly cut: boolean;
}

/**
 * Reads what lies before a room's timeline, and nothing that is in it. A past that the homeserver keeps to itself is
 * cut, and costs no other room its events.
 */
export async function readBack(
  client: MatrixClient,
  { roomId, prevBatch, timeline }: JoinedRoom,
  { types, to, isEnd, onPage }: Reach,
  signal: AbortSignal,
): Promise<Past> {
  const known = new Set(timeline.map(({ eventId }) => eventId));
  const newestFirst: MatrixEvent[] = [];
  const past = (cut: boolean): Past => ({ events: newestFirst.toReversed(), cut });
  let from = prevBatch;
  if (from === undefined) return past(true);
  for (let page = 0; page < mostPages; page++) {
    const request: MessagesRequest = { from, dir: "b", limit: 100, types, ...(to !== undefined && { to }) };
    const response: MessagesResponse | undefined = await client.messages(roomId, request, signal).catch(unlessClosed);
    onPage?.();
    if (response === undefined) return past(true);
    let ended = false;
    for (const event of response.chunk) {
      ended = isEnd(event) || ended;
      if (!known.has(event.eventId)) newestFirst.push(event);
      known.add(event.eventId);
    }
    if (ended || response.end === undefined || response.end === from) return past(false);
    from = response.end;
  }
  return past(true);
}

/** What lies before the timeline of a poll that began at this cursor, and the timeline. */
export async function newIn(
  client: MatrixClient,
  room: JoinedRoom,
  { since: to, beat }: { readonly since: string; beat(): void },
  signal: AbortSignal,
): Promise<Past> {
  const { timeline, limited } = room;
  if (!limited) return { events: timeline, cut: false };
  const gap = await readBack(client, room, { types: watchedTypes, to, isEnd: () => false, onPage: beat }, signal);
  return { events: [...gap.events, ...timeline], cut: gap.cut };
}

const passing: ReadonlySet<MatrixErrorKind> = new Set(["unreachable", "malformed"]);

/** Whether a room's past could not be told just now, which says nothing of other rooms. */
export function isUnreadable(error: unknown): error is MatrixError {
  return error instanceof MatrixError && passing.has(error.kind);
}

function unlessClosed(error: unknown): undefined {
  if (!isLastWord(error)) throw error;
}
