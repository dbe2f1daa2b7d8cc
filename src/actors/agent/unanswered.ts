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
  /** Questions, by their final answers. */
  readonly answered = new Set<string>();
  readonly #userId: string;
  readonly #floor: number;
  readonly #doubtful: number;
  readonly #seen: string | undefined;
  /** The oldest moment that is searched, once the newest event is found up to which all was answered, or heard. */
  #from: number | undefined;
  #end: MatrixEvent | undefined;
  /** How many events were searched that were heard before. */
  #again = 0;

  constructor(userId: string, { floor, doubtful = Number.POSITIVE_INFINITY, seen }: Bounds) {
    this.#userId = userId;
    this.#floor = floor;
    this.#doubtful = doubtful;
    this.#seen = seen;
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
    if (cause !== undefined) this.answered.add(cause);
    if (this.answered.has(event.eventId) || event.eventId === this.#seen)
      this.#from ??= Math.max(this.#doubtful, event.originServerTs - overlap, this.#floor);
    if (this.#again > mostSearchedAgain) this.#from = Number.POSITIVE_INFINITY;
    if (!this.#isSettled(event) && !this.#isStay(event, "away")) return false;
    this.#end = event;
    return true;
  }

  /** The events after the end, and after the agent's invitation or join where that may be among them. */
  after(events: readonly MatrixEvent[], cut: boolean): MatrixEvent[] {
    const rest = events.slice(events.findIndex(({ eventId }) => eventId === this.#end?.eventId) + 1);
    if (cut || (this.#end !== undefined && this.#isSettled(this.#end))) return rest;
    // A change of the display name is a join, too: the oldest event is that after an absence.
    return rest.slice(rest.findIndex((event) => this.#isStay(event, "here")) + 1);
  }

  #isSettled({ originServerTs }: MatrixEvent): boolean {
    return originServerTs < this.#floor || (this.#from !== undefined && originServerTs <= this.#from);
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
