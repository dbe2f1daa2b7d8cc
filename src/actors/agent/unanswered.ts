import type { JoinedRoom, MatrixClient, MatrixEvent } from "../../matrix/port.ts";
import { turnMarkOf } from "../marker.ts";
import { type Past, readBack } from "./read-back.ts";

/** Where in a room's past a search may end, ms since the epoch. */
export interface Bounds {
  /** What is older is nobody's question any more. */
  readonly floor: number;
  /**
   * What is newer than this is looked for among the answered, too: from {@link overlap} before the newest answered
   * question on. Default: nothing is.
   */
  readonly doubtful?: number;
  /** An event up to which all was heard before: it ends the search as an answered question does. */
  readonly seen?: string;
}

/** So much older than a question that was answered may one be that the homeserver has not told of, ms. */
export const overlap = 600_000;

/** So many events, if not {@link overlap}, are searched of what was heard before: one that came late is put among them. */
const mostSearchedAgain = 500;

/**
 * So many events that say that they are from before the search's end are believed. One alone may have an odd time: another
 * homeserver's clock is wrong, or a bridge passes on what was said long ago. Our own answers are believed at once.
 */
const leastOld = 20;

export interface Unanswered extends Past {
  /** The events among them that are questions with a final answer of the agent's. */
  readonly answered: ReadonlySet<string>;
}

/**
 * What was said in a room since the agent was invited into it (it may have come in late), or joined it without being
 * invited, less everything up to the newest question that has a final answer of the agent's (or, within bounds, up to where
 * nothing is doubtful), and less what is out of bounds.
 */
export async function unansweredIn(
  client: MatrixClient,
  room: JoinedRoom,
  bounds: Bounds,
  types: readonly string[],
  signal: AbortSignal,
): Promise<Unanswered> {
  const search = new Search(client.userId, bounds);
  const isEnd = (event: MatrixEvent): boolean => search.ends(event);
  // Newest first, as a question's answer is newer than the question.
  const complete = room.timeline.toReversed().some(isEnd) || !room.limited;
  const { events, cut } = complete
    ? { events: [], cut: false }
    : await readBack(client, room, { types, isEnd }, signal);
  const after = search.after([...events, ...room.timeline], cut);
  return { events: after, cut: cut && !search.hasMetSeen, answered: search.answered };
}

/**
 * Looks, from the newest event to older ones, for the one after which nothing has been answered yet, and from there on
 * for the one after which nothing is doubtful.
 */
class Search {
  /** When the questions were answered that have a final answer, ms since the epoch: by our own homeserver's clock. */
  readonly #answeredAt = new Map<string, number>();
  readonly #userId: string;
  readonly #floor: number;
  readonly #doubtful: number;
  readonly #seen: string | undefined;
  /** The oldest moment that is searched, once the newest event is found up to which all was answered, or heard. */
  #from: number | undefined;
  #end: { readonly eventId: string; readonly isAway: boolean } | undefined;
  /** Those that are from before the end by what they say themselves. */
  readonly #old = new Set<string>();
  /** How many events were searched that were heard before. */
  #again = 0;

  constructor(userId: string, { floor, doubtful = Number.POSITIVE_INFINITY, seen }: Bounds) {
    this.#userId = userId;
    this.#floor = floor;
    this.#doubtful = doubtful;
    this.#seen = seen;
  }

  /** Questions that have a final answer. */
  get answered(): ReadonlySet<string> {
    return new Set(this.#answeredAt.keys());
  }

  /** Whether all was heard before that it has not come to. */
  get hasMetSeen(): boolean {
    return this.#again > 0;
  }

  /** Notes what the event tells. True for the newest event that makes all older ones unimportant. */
  ends(event: MatrixEvent): boolean {
    if (this.#end !== undefined) return false;
    if (this.hasMetSeen || event.eventId === this.#seen) this.#again++;
    const cause = this.#causeOf(event);
    if (cause !== undefined) this.#answeredAt.set(cause, Math.min(event.originServerTs, this.#timeOfAnswer(cause)));
    if (this.#answeredAt.has(event.eventId) || event.eventId === this.#seen) {
      const at = Math.min(event.originServerTs, this.#timeOfAnswer(event.eventId));
      this.#from ??= Math.max(this.#doubtful, at - overlap, this.#floor);
    }
    if (this.#again > mostSearchedAgain) this.#from = Number.POSITIVE_INFINITY;
    const isAway = this.#isStay(event, "away");
    if (!this.#isPast(event) && !isAway) return false;
    this.#end = { eventId: event.eventId, isAway };
    return true;
  }

  /** The events after the end, and after the agent's invitation or join where that may be among them. */
  after(events: readonly MatrixEvent[], cut: boolean): MatrixEvent[] {
    const rest = events.slice(events.findIndex(({ eventId }) => eventId === this.#end?.eventId) + 1);
    // A change of the display name is a join, too: the oldest event is that after an absence.
    const isSinceStay = !cut && (this.#end === undefined || this.#end.isAway);
    const first = isSinceStay ? rest.findIndex((event) => this.#isStay(event, "here")) + 1 : 0;
    return rest.slice(first).filter(({ eventId }) => !this.#old.has(eventId));
  }

  /** Notes what is old. True once it is certain that all before this event is. */
  #isPast(event: MatrixEvent): boolean {
    const { eventId, originServerTs } = event;
    const from = this.#from;
    if (originServerTs >= this.#floor && (from === undefined || originServerTs > from)) return false;
    this.#old.add(eventId);
    return from === Number.POSITIVE_INFINITY || this.#causeOf(event) !== undefined || this.#old.size >= leastOld;
  }

  #timeOfAnswer(cause: string): number {
    return this.#answeredAt.get(cause) ?? Number.POSITIVE_INFINITY;
  }

  #causeOf({ sender, content }: MatrixEvent): string | undefined {
    const mark = sender === this.#userId ? turnMarkOf(content) : undefined;
    return mark?.final === true ? mark.cause : undefined;
  }

  #isStay({ type, stateKey, content }: MatrixEvent, where: "here" | "away"): boolean {
    if (type !== "m.room.member" || stateKey !== this.#userId) return false;
    const isHere = content["membership"] === "join" || content["membership"] === "invite";
    return isHere === (where === "here");
  }
}
