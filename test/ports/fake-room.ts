import type {
  Content,
  JoinedRoom,
  MatrixEvent,
  MessagesRequest,
  MessagesResponse,
  SyncFilter,
} from "../../src/matrix/port.ts";
import { Fault } from "../servers/homeserver/fault.ts";
import type { Governed } from "../servers/homeserver/power.ts";

/** An event and its place among all events of the homeserver, counted from 1. */
export interface Placed {
  readonly place: number;
  readonly event: MatrixEvent;
}

/** Events that a sync without a cursor looks at. */
const mostRecent = 200;

/** One room of a {@link FakeHomeserver}: its events, and what follows from them. */
export class FakeRoom {
  readonly roomId: string;
  #placed: readonly Placed[] = [];

  constructor(roomId: string) {
    this.roomId = roomId;
  }

  /** Oldest first. */
  get events(): readonly MatrixEvent[] {
    return this.#placed.map(({ event }) => event);
  }

  /** Messages in which all of these words are. */
  found(text: string): Placed[] {
    const words = text.toLowerCase().split(/\s+/);
    return this.#placed.filter(({ event: { type, content } }) => {
      const { body } = content;
      const said = typeof body === "string" && type === "m.room.message" ? body.toLowerCase() : "";
      return words.every((word) => said.split(/\W+/).includes(word));
    });
  }

  find(eventId: string): MatrixEvent | undefined {
    return this.events.find((event) => event.eventId === eventId);
  }

  append(placed: Placed): void {
    const { type, content } = placed.event;
    if (type === "m.room.redaction") this.#redact(content["redacts"]);
    this.#placed = [...this.#placed, placed];
  }

  /** As the rules see it by which things are allowed. */
  get governed(): Governed {
    return {
      id: this.roomId,
      version: "11",
      isIn: (userId) => this.membershipOf(userId) === "join",
      state: (type) => this.stateEvent(type, ""),
      content: (type) => this.state(type, ""),
    };
  }

  /** As it was right after the event at this place. */
  until(place: number): FakeRoom {
    const room = new FakeRoom(this.roomId);
    room.#placed = this.#placed.filter((placed) => placed.place <= place);
    return room;
  }

  #redact(eventId: unknown): void {
    this.#placed = this.#placed.map(({ place, event }) => ({
      place,
      event: event.eventId === eventId ? { ...event, content: {} } : event,
    }));
  }

  state(type: string, stateKey: string): Content | undefined {
    return this.stateEvent(type, stateKey)?.content as Content | undefined;
  }

  stateEvent(type: string, stateKey: string): MatrixEvent | undefined {
    return this.events.findLast((one) => one.type === type && one.stateKey === stateKey);
  }

  /** Its state events; those up to a place, where one is given. */
  stateEvents(until = Number.POSITIVE_INFINITY): MatrixEvent[] {
    const current = new Map<string, MatrixEvent>();
    for (const { place, event } of this.#placed)
      if (place <= until && event.stateKey !== undefined) current.set(`${event.type} ${event.stateKey}`, event);
    return [...current.values()];
  }

  /** The place of the event that made the user's membership what it is. */
  membershipPlace(userId: string): number | undefined {
    return this.#placed.findLast(({ event }) => event.type === "m.room.member" && event.stateKey === userId)?.place;
  }

  /** Who made the user's membership what it is. */
  membershipSender(userId: string): string | undefined {
    return this.stateEvent("m.room.member", userId)?.sender;
  }

  /** Who is in it. */
  get members(): string[] {
    return this.stateEvents().flatMap(({ type, stateKey, content }) =>
      type === "m.room.member" && stateKey !== undefined && content["membership"] === "join" ? [stateKey] : [],
    );
  }

  membershipOf(userId: string): string | undefined {
    const membership = this.state("m.room.member", userId)?.["membership"];
    return typeof membership === "string" ? membership : undefined;
  }

  /**
   * What a sync gives of this room; `undefined` when there is nothing new. Like Synapse, a sync without a cursor looks
   * for what the filter wants among recent events only, and leaves the room out when it finds nothing to give.
   */
  since(since: number | undefined, filter: SyncFilter): JoinedRoom | undefined {
    const recent = since === undefined ? this.#placed.slice(-mostRecent) : this.#placed;
    const fresh = recent.filter(
      ({ place, event }) =>
        place > (since ?? 0) &&
        filter.timelineTypes.includes(event.type) &&
        !(filter.notSenders ?? []).includes(event.sender),
    );
    const state = since === undefined ? this.#stateOf(filter.stateTypes) : [];
    if (fresh.length === 0 && state.length === 0) return undefined;
    const shown = fresh.slice(-filter.timelineLimit);
    const begin = shown.length < fresh.length ? shown[0] : recent[0];
    return {
      roomId: this.roomId,
      timeline: shown.map(({ event }) => event),
      limited: shown.length < fresh.length || recent.length < this.#placed.length,
      prevBatch: tokenOf((begin?.place ?? 1) - 1),
      state,
    };
  }

  messages({ from, to, dir, limit, types }: MessagesRequest): MessagesResponse {
    const isBack = dir === "b";
    const begin = from === undefined ? (isBack ? Number.POSITIVE_INFINITY : 0) : placeOf(from);
    const stop = to === undefined ? (isBack ? 0 : Number.POSITIVE_INFINITY) : placeOf(to);
    const [low, high] = isBack ? [stop, begin] : [begin, stop];
    const within = this.#placed.filter(
      ({ place, event }) => place > low && place <= high && (types === undefined || types.includes(event.type)),
    );
    const ordered = isBack ? within.toReversed() : within;
    const page = ordered.slice(0, limit);
    const last = page.at(-1);
    const end = page.length < ordered.length && last !== undefined ? tokenOf(last.place - (isBack ? 1 : 0)) : undefined;
    return { chunk: page.map(({ event }) => event), ...(end !== undefined && { end }) };
  }

  #stateOf(types: readonly string[]): MatrixEvent[] {
    return this.events.filter(({ type, stateKey }) => stateKey !== undefined && types.includes(type));
  }
}

export function tokenOf(place: number): string {
  return `s${place}`;
}

export function placeOf(token: string): number {
  const place = Number(token.slice(1));
  if (!/^s\d+$/.test(token)) throw new Fault(400, "M_UNKNOWN", `"${token}" is no token of this homeserver`);
  return place;
}
