import { Fault, forbidden, notFound } from "./fault.ts";
import { passes, readEventFilter } from "./filter.ts";
import type { Homeserver } from "./homeserver.ts";
import { between, readPlace } from "./places.ts";
import type { Room } from "./room.ts";
import type { Asked, Routes } from "./routing.ts";
import { shown } from "./shown.ts";

const defaultPage = 10;
const longestPage = 1_000;

/** What is in rooms, for those who are or were in them. */
export function historyRoutes(homeserver: Homeserver): Routes {
  const readable = ({ ids: [roomId = ""] }: Asked, userId: string): { room: Room; after: number; until: number } => {
    const room = homeserver.state.rooms.get(roomId);
    const range = room?.readableBy(userId);
    if (room === undefined || range === undefined)
      throw forbidden(`User ${userId} not in room ${roomId}, and room previews are disabled`);
    return { room, ...range };
  };
  const stateFor = (asked: Asked) => {
    const { room, until } = readable(asked, homeserver.session(asked).userId);
    return { room, state: room.stateAt(until) };
  };
  const piece = (asked: Asked): object => {
    const { state } = stateFor(asked);
    const [, type, key = ""] = asked.ids;
    const found = [...state.values()].find(({ event }) => event.type === type && event.state_key === key);
    if (found === undefined) throw notFound("Event not found.");
    return found.event.content;
  };
  return {
    "GET /v3/rooms/:/messages": (asked) => {
      const { room, after, until } = readable(asked, homeserver.session(asked).userId);
      return messages(homeserver, room, { after, until }, asked.query);
    },
    "GET /v3/rooms/:/state": (asked) => {
      const { room, state } = stateFor(asked);
      return [...state.values()].map((placed) => shown(homeserver, room, placed));
    },
    "GET /v3/rooms/:/state/:": piece,
    "GET /v3/rooms/:/state/:/:": piece,
    "GET /v3/rooms/:/event/:": (asked) => {
      const { room, after, until } = readable(asked, homeserver.session(asked).userId);
      const found = room.events.find(({ at, event }) => event.event_id === asked.ids[1] && at > after && at <= until);
      if (found === undefined) throw notFound("Event not found.");
      return shown(homeserver, room, found);
    },
    "GET /v3/rooms/:/members": (asked) => {
      const { room, state } = stateFor(asked);
      return {
        chunk: [...state.values()]
          .filter(({ event }) => event.type === "m.room.member")
          .map((placed) => shown(homeserver, room, placed)),
      };
    },
    "GET /v3/rooms/:/joined_members": (asked) => {
      const room = homeserver.roomOf(asked.ids[0] ?? "", homeserver.session(asked).userId);
      const named = (userId: string) => ({
        display_name: room.content("m.room.member", userId)?.["displayname"] ?? null,
      });
      return { joined: Object.fromEntries(room.joined.map((userId) => [userId, named(userId)])) };
    },
  };
}

function messages(
  homeserver: Homeserver,
  room: Room,
  range: { after: number; until: number },
  query: URLSearchParams,
): object {
  const isBackwards = query.get("dir") !== "f";
  const given = query.get("from");
  if (given === null && !isBackwards && !homeserver.oddities.readsFromTheBeginning)
    throw new Fault(400, "M_MISSING_PARAM", "from is missing");
  const from = given === null ? (isBackwards ? homeserver.state.now.events : 0) : readPlace(given).events;
  const to = query.get("to") === null ? undefined : readPlace(query.get("to") ?? "").events;
  const limit = Math.min(Number(query.get("limit") ?? defaultPage), longestPage);
  const filter = readEventFilter(query.get("filter"));
  const low = Math.max(range.after, isBackwards ? (to ?? 0) : from);
  const high = Math.min(range.until, isBackwards ? from : (to ?? Number.POSITIVE_INFINITY));
  const wanted = room.events.filter(({ at, event }) => at > low && at <= high && passes(filter, event));
  const page = isBackwards ? wanted.slice(-limit).reverse() : wanted.slice(0, limit);
  const last = page.at(-1);
  const chunk = page.map((placed) => shown(homeserver, room, placed));
  return {
    start: between(from),
    chunk,
    ...(last !== undefined && { end: between(isBackwards ? last.at - 1 : last.at) }),
  };
}
