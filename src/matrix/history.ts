import { Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import { datedSchema, type OnMalformed, parseEvents } from "./event.ts";
import type { Call, Caller } from "./matrix-api.ts";
import { undefinedIfMissing } from "./missing.ts";
import { path } from "./path.ts";
import type { DatedEvent, MessagesRequest, MessagesResponse } from "./port.ts";

const messagesAnswer = z.object({ chunk: z.array(z.unknown()).default([]), end: z.string().optional() });

/** A part of what stands in a room. */
export async function messages(
  api: Caller,
  userId: string,
  roomId: string,
  { from, to, dir, limit, types }: MessagesRequest,
  signal: AbortSignal,
  onMalformed: OnMalformed,
): Promise<MessagesResponse> {
  const call: Call = {
    action: `reading the messages of ${roomId}`,
    method: Method.Get,
    path: path`/rooms/${roomId}/messages`,
    query: { from, to, dir, limit, filter: types === undefined ? undefined : JSON.stringify({ types }) },
  };
  const answer = await api.call(call, messagesAnswer, signal);
  const chunk = parseEvents(answer.chunk, (reason) => onMalformed({ userId, roomId, reason }));
  return { chunk, ...(answer.end === undefined ? {} : { end: answer.end }) };
}

/** One event of a room. */
export function event(
  api: Caller,
  roomId: string,
  eventId: string,
  signal: AbortSignal,
): Promise<DatedEvent | undefined> {
  const call: Call = {
    action: `reading an event of ${roomId}`,
    method: Method.Get,
    path: path`/rooms/${roomId}/event/${eventId}`,
  };
  return undefinedIfMissing(api.call(call, datedSchema, signal));
}
