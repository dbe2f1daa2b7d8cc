import type { JoinedRoom, MatrixClient, MatrixEvent } from "../../matrix/port.ts";
import { turnMarkOf } from "../marker.ts";
import { heardTypes, type Past, readBack } from "./read-back.ts";

/**
 * What was said in a room since the agent joined it, less everything up to the newest question that has a final answer
 * of the agent's, and less what is older than `floor` (ms since the epoch).
 */
export async function unansweredIn(
  client: MatrixClient,
  room: JoinedRoom,
  floor: number,
  signal: AbortSignal,
): Promise<Past> {
  const search = new Search(client.userId, floor);
  const isEnd = (event: MatrixEvent): boolean => search.ends(event);
  // Newest first, as a question's answer is newer than the question.
  const complete = room.timeline.toReversed().some(isEnd) || !room.limited;
  const { events, cut } = complete
    ? { events: [], cut: false }
    : await readBack(client, room, { types: [...heardTypes, "m.room.member"], isEnd }, signal);
  return { events: search.after([...events, ...room.timeline], cut), cut };
}

/** Looks, from the newest event to older ones, for the one after which nothing has been answered yet. */
class Search {
  readonly #userId: string;
  readonly #floor: number;
  readonly #answered = new Set<string>();
  #end: MatrixEvent | undefined;

  constructor(userId: string, floor: number) {
    this.#userId = userId;
    this.#floor = floor;
  }

  /** Notes what the event tells. True for the newest event that makes all older ones unimportant. */
  ends(event: MatrixEvent): boolean {
    if (this.#end !== undefined) return false;
    const cause = this.#causeOf(event);
    if (cause !== undefined) this.#answered.add(cause);
    if (!this.#isSettled(event) && !this.#isStay(event, "away")) return false;
    this.#end = event;
    return true;
  }

  /** The events after the end, and after the agent's join where that may be among them. */
  after(events: readonly MatrixEvent[], cut: boolean): MatrixEvent[] {
    const rest = events.slice(events.findIndex(({ eventId }) => eventId === this.#end?.eventId) + 1);
    if (cut || (this.#end !== undefined && this.#isSettled(this.#end))) return rest;
    // A change of the display name is a join, too: the oldest one is that after an absence.
    return rest.slice(rest.findIndex((event) => this.#isStay(event, "here")) + 1);
  }

  #isSettled({ eventId, originServerTs }: MatrixEvent): boolean {
    return this.#answered.has(eventId) || originServerTs < this.#floor;
  }

  #causeOf({ sender, content }: MatrixEvent): string | undefined {
    const mark = sender === this.#userId ? turnMarkOf(content) : undefined;
    return mark?.final === true ? mark.cause : undefined;
  }

  #isStay({ type, stateKey, content }: MatrixEvent, where: "here" | "away"): boolean {
    if (type !== "m.room.member" || stateKey !== this.#userId) return false;
    return (content["membership"] === "join") === (where === "here");
  }
}
