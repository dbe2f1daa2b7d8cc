import { passes, readSyncFilter, type SyncFilter } from "./filter.ts";
import type { Homeserver } from "./homeserver.ts";
import { beginning, between, cursor, type Place, readPlace } from "./places.ts";
import type { Placed, Room } from "./room.ts";
import type { Routes } from "./routing.ts";
import { shown } from "./shown.ts";

const defaultTimeline = 10;
/** Of an invitation's room, what the invited is told. */
const strippedTypes = ["create", "name", "join_rules", "canonical_alias", "avatar", "encryption", "topic"];

interface Given {
  readonly userId: string;
  readonly since: Place;
  readonly isFirst: boolean;
  readonly filter: SyncFilter;
}

interface Rooms {
  readonly join: Record<string, object>;
  readonly invite: Record<string, object>;
  readonly leave: Record<string, object>;
}

/** `/sync`: what has happened since, or all that is the case, for one user. */
export class Sync {
  readonly #homeserver: Homeserver;

  constructor(homeserver: Homeserver) {
    this.#homeserver = homeserver;
  }

  routes(): Routes {
    const { waiting, oddities } = this.#homeserver;
    return {
      "GET /v3/sync": async (asked) => {
        const { userId } = this.#homeserver.session(asked);
        const place = this.#place(asked.query.get("since"));
        const given: Given = {
          userId,
          since: place ?? beginning,
          isFirst: place === undefined,
          filter: readSyncFilter(asked.query.get("filter")),
        };
        const asks = Number(asked.query.get("timeout") ?? 0);
        const heldMs = Math.min(Math.max(asks, oddities.shortestPollMs), oddities.longestPollMs);
        const deadline = performance.now() + heldMs;
        for (;;) {
          const now = this.#now();
          const rooms = this.#rooms(given, now);
          const isEmpty = Object.values(rooms).every((section) => Object.keys(section).length === 0);
          const left = deadline - performance.now();
          if (!isEmpty || given.isFirst || left <= 0 || asked.gone.aborted)
            return { next_batch: cursor(now), ...(!isEmpty && { rooms }) };
          await waiting.until(userId, left, asked.gone);
          this.#homeserver.session(asked);
        }
      },
    };
  }

  #now(): Place {
    const { state, typing } = this.#homeserver;
    return { ...state.now, typing: typing.now };
  }

  #place(since: string | null): Place | undefined {
    if (since === null) return undefined;
    try {
      return readPlace(since);
    } catch (error) {
      if (this.#homeserver.oddities.takesAnyCursor) return undefined;
      throw error;
    }
  }

  #rooms(given: Given, now: Place): Rooms {
    const rooms: Rooms = { join: {}, invite: {}, leave: {} };
    for (const room of this.#homeserver.state.roomsOf(given.userId)) {
      const own = room.membershipOf(given.userId);
      if (own === undefined) continue;
      const isNews = own.at > given.since.events;
      if (own.membership === "join") {
        const joined = this.#joined(room, given, now);
        if (joined !== undefined) rooms.join[room.id] = joined;
      } else if (own.membership === "invite") {
        if (isNews) rooms.invite[room.id] = { invite_state: { events: this.#stripped(room, given.userId) } };
      } else if (isNews && !given.isFirst) {
        const left = this.#left(room, given, own.at);
        if (left !== undefined) rooms.leave[room.id] = left;
      }
    }
    return rooms;
  }

  #joined(room: Room, given: Given, now: Place): object | undefined {
    const { userId, since, filter } = given;
    const readable = room.readableBy(userId) ?? { after: now.events, until: 0 };
    const isNew = room.membershipOf(userId, since.events)?.membership !== "join";
    const before = isNew ? 0 : since.events;
    const { timeline, state } = this.#happened(room, given, Math.max(before, readable.after), before);
    const ephemeral = this.#ephemeral(room, isNew ? beginning : since).filter((event) =>
      passes(filter.room.ephemeral, event),
    );
    if (!isNew && timeline.events.length === 0 && state.length === 0 && ephemeral.length === 0) return undefined;
    return {
      timeline,
      state: { events: state },
      ephemeral: { events: ephemeral },
      account_data: { events: [] },
      summary: {},
      unread_notifications: { notification_count: 0, highlight_count: 0 },
    };
  }

  /** Where the filter hides how the user left, the room is not named at all: so it is with all of these servers. */
  #left(room: Room, given: Given, at: number): object | undefined {
    const { since } = given;
    const { timeline, state } = this.#happened(room, given, since.events, since.events, at);
    return timeline.events.length === 0 ? undefined : { timeline, state: { events: state } };
  }

  /** The timeline after one place, and the state that is not in it: what was not yet so at another. */
  #happened(room: Room, { filter }: Given, after: number, stateAfter: number, until = Number.POSITIVE_INFINITY) {
    const homeserver = this.#homeserver;
    const limit = Math.min(filter.room.timeline.limit ?? defaultTimeline, homeserver.oddities.longestTimeline);
    const all = eventsBetween(room, after, until).filter(({ event }) => passes(filter.room.timeline, event));
    const kept = limit === 0 ? [] : all.slice(-limit);
    const first = kept[0]?.at ?? room.events.at(-1)?.at ?? 0;
    const inTimeline = new Set(kept.map(({ event }) => event.event_id));
    const old = new Set([...room.stateAt(stateAfter).values()].map(({ at }) => (stateAfter === 0 ? 0 : at)));
    const state = [...room.stateAt(until).values()]
      .filter(({ at, event }) => !old.has(at) && !inTimeline.has(event.event_id) && passes(filter.room.state, event))
      .map((placed) => shown(homeserver, room, placed));
    const timeline = {
      events: kept.map((placed) => shown(homeserver, room, placed)),
      limited: all.length > kept.length,
      prev_batch: between(kept.length === 0 ? first : first - 1),
    };
    return { timeline, state };
  }

  #ephemeral(room: Room, since: Place): { readonly type: string; readonly content: object }[] {
    const typing = this.#homeserver.typing.after(room.id, since.typing);
    const content: Record<string, { "m.read": Record<string, { ts: number }> }> = {};
    for (const [userId, { eventId, ts, at }] of room.receipts) {
      if (at <= since.receipts) continue;
      const readers = content[eventId] ?? { "m.read": {} };
      readers["m.read"][userId] = { ts };
      content[eventId] = readers;
    }
    return [
      ...(typing === undefined ? [] : [{ type: "m.typing", content: { user_ids: typing } }]),
      ...(Object.keys(content).length === 0 ? [] : [{ type: "m.receipt", content }]),
    ];
  }

  #stripped(room: Room, userId: string): readonly object[] {
    const pieces = strippedTypes.flatMap((name) => room.state(`m.room.${name}`) ?? []);
    const own = room.state("m.room.member", userId);
    return [...pieces, ...(own === undefined ? [] : [own])].map(({ type, state_key, sender, content }) => ({
      type,
      state_key,
      sender,
      content,
    }));
  }
}

/** In their order; the newest are looked for first, since they are mostly what is asked for. */
function eventsBetween(room: Room, after: number, until: number): readonly Placed[] {
  let from = room.events.length;
  while (from > 0 && (room.events[from - 1]?.at ?? 0) > after) from -= 1;
  return room.events.slice(from).filter(({ at }) => at <= until);
}
