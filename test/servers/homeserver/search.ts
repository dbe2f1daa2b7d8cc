import { z } from "zod";
import { Fault } from "./fault.ts";
import type { Homeserver } from "./homeserver.ts";
import type { Room } from "./room.ts";
import type { Routes } from "./routing.ts";
import { shown } from "./shown.ts";

const wanted = z.object({
  search_categories: z.object({
    room_events: z.object({
      search_term: z.string(),
      filter: z.object({ rooms: z.array(z.string()).optional(), limit: z.number().default(10) }).prefault({}),
    }),
  }),
});

/** Messages by their words, in the rooms that whoever asks is in. */
export function searchRoutes(homeserver: Homeserver): Routes {
  return {
    "POST /v3/search": (asked) => {
      const { userId } = homeserver.session(asked);
      if (!homeserver.oddities.searches)
        throw new Fault(501, "M_UNKNOWN", "Search has been disabled by the server administrator.");
      const { data } = wanted.safeParse(asked.body);
      if (data === undefined) throw new Fault(400, "M_BAD_JSON", "Invalid search query");
      const { search_term: term, filter } = data.search_categories.room_events;
      const rooms = [...homeserver.state.rooms.values()].filter(
        (room) => room.joined.includes(userId) && (filter.rooms?.includes(room.id) ?? true),
      );
      const found = rooms.flatMap((room) => foundIn(room, term)).sort((one, other) => other.placed.at - one.placed.at);
      const begin = Number(asked.query.get("next_batch") ?? 0);
      const end = begin + filter.limit;
      return {
        search_categories: {
          room_events: {
            count: found.length,
            highlights: [],
            results: found.slice(begin, end).map(({ room, placed }) => ({
              rank: 1,
              result: { ...shown(homeserver, room, placed), room_id: room.id },
            })),
            ...(found.length > end && { next_batch: String(end) }),
          },
        },
      };
    },
  };
}

function foundIn(room: Room, term: string) {
  const words = term.toLowerCase().split(/\s+/).filter(Boolean);
  return room.events
    .filter(({ event }) => {
      const { body } = event.content;
      const said = event.type === "m.room.message" && typeof body === "string" ? body.toLowerCase().split(/\W+/) : [];
      return words.length > 0 && words.every((word) => said.includes(word));
    })
    .map((placed) => ({ room, placed }));
}
