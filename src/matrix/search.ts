import { Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import { type OnMalformed, parsePushed } from "./event.ts";
import type { Caller } from "./matrix-api.ts";
import type { SearchRequest, SearchResponse } from "./port.ts";

const searchAnswer = z.object({
  search_categories: z.object({
    room_events: z.object({
      count: z.number().nullish(),
      results: z.array(z.object({ result: z.unknown() })).default([]),
      next_batch: z.string().nullish(),
    }),
  }),
});

/** Looks for words in the rooms of one user. */
export async function search(
  api: Caller,
  userId: string,
  { text, rooms, limit, from }: SearchRequest,
  signal: AbortSignal,
  onMalformed: OnMalformed,
): Promise<SearchResponse> {
  const answer = await api.call(
    {
      action: `searching as ${userId}`,
      method: Method.Post,
      path: "/search",
      query: { next_batch: from },
      remedies: { unsupported: "Switch the search on in the homeserver, or read the room's messages." },
      body: {
        search_categories: {
          room_events: { search_term: text, keys: ["content.body"], order_by: "recent", filter: { rooms, limit } },
        },
      },
    },
    searchAnswer,
    signal,
  );
  const { count, results, next_batch: next } = answer.search_categories.room_events;
  const events = results.map(({ result }) => result);
  return {
    found: parsePushed(events, (roomId, reason) => onMalformed({ userId, roomId, reason })),
    ...(count != null && { total: count }),
    ...(next != null && { next }),
  };
}
