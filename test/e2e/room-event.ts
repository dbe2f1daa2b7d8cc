import { z } from "zod";

/** One event of a room, as a client got it. */
export interface RoomEvent {
  readonly eventId: string;
  readonly roomId: string;
  readonly type: string;
  readonly sender: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly stateKey?: string;
}

const eventSchema = z.looseObject({
  event_id: z.string(),
  type: z.string(),
  sender: z.string(),
  content: z.record(z.string(), z.unknown()),
  state_key: z.string().optional(),
});

export function readEvent(event: unknown, roomId: string): RoomEvent {
  const { event_id: eventId, type, sender, content, state_key: stateKey } = eventSchema.parse(event);
  return { eventId, roomId, type, sender, content, ...(stateKey !== undefined && { stateKey }) };
}

const relation = z.looseObject({
  rel_type: z.string().optional(),
  event_id: z.string().optional(),
  is_falling_back: z.boolean().optional(),
  "m.in_reply_to": z.object({ event_id: z.string() }).optional(),
});

const messageSchema = z.looseObject({
  msgtype: z.string(),
  body: z.string(),
  formatted_body: z.string().optional(),
  "m.mentions": z.looseObject({ user_ids: z.array(z.string()).optional() }).optional(),
  "m.relates_to": relation.optional(),
  "m.new_content": z.looseObject({ msgtype: z.string(), body: z.string() }).optional(),
});

export type Message = z.infer<typeof messageSchema>;

/** The content of a message event; undefined where it is none that a client could show. */
export function messageOf(event: RoomEvent): Message | undefined {
  if (event.type !== "m.room.message") return undefined;
  const parsed = messageSchema.safeParse(event.content);
  return parsed.success ? parsed.data : undefined;
}

/** The event that this one takes the place of. */
export function replacedBy(event: RoomEvent): string | undefined {
  const relates = messageOf(event)?.["m.relates_to"];
  return relates?.rel_type === "m.replace" ? relates.event_id : undefined;
}

const markSchema = z.object({
  cause: z.string(),
  attempt: z.number(),
  part: z.number(),
  parts: z.number(),
  final: z.boolean(),
  outcome: z.enum(["answer", "error"]).optional(),
  hops: z.number(),
});

export type Mark = z.infer<typeof markSchema>;

/** What the product notes on each event of an answer. */
export function markOf(content: Readonly<Record<string, unknown>>): Mark | undefined {
  const parsed = markSchema.safeParse(content["io.letta_matrix.turn"]);
  return parsed.success ? parsed.data : undefined;
}
