import { z } from "zod";
import type { Content, DatedEvent, MatrixEvent, PushedEvent } from "./port.ts";

/** An event, or a piece of an answer, that is not what the specification says and was left out. */
export interface MalformedPart {
  /** Who asked for it. */
  readonly userId: string;
  readonly roomId: string;
  /** Which field of it is wrong, and how; never its value. */
  readonly reason: string;
}

export type OnMalformed = (part: MalformedPart) => void;

/** Deeper than anything in use, and far from where JSON.stringify, unlike JSON.parse, runs out of stack. */
const MAX_DEPTH = 100;

/** A JSON object that can be written again. Its values are not looked at: they are whatever their sender wrote. */
export const jsonObject = z.custom<Content>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value) && isWithinDepth(value, MAX_DEPTH),
  "not a JSON object, or nested too deep",
);

function isWithinDepth(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((item) => isWithinDepth(item, depth - 1));
}

export const eventSchema = z
  .object({
    event_id: z.string().startsWith("$"),
    type: z.string(),
    sender: z.string().startsWith("@"),
    content: jsonObject,
    origin_server_ts: z.number(),
    state_key: z.string().optional(),
  })
  .transform(
    (event): MatrixEvent => ({
      eventId: event.event_id,
      type: event.type,
      sender: event.sender,
      content: event.content,
      originServerTs: event.origin_server_ts,
      ...(event.state_key === undefined ? {} : { stateKey: event.state_key }),
    }),
  );

/** The events that are well-formed, in their order. One that is not costs nobody else anything. */
export function parseEvents(events: readonly unknown[], malformed: (reason: string) => void): MatrixEvent[] {
  const parsed: MatrixEvent[] = [];
  for (const event of events) {
    const result = eventSchema.safeParse(event);
    if (result.success) parsed.push(result.data);
    else malformed(reasonOf(result.error));
  }
  return parsed;
}

const inRoom = z.object({ room_id: z.string().startsWith("!") });

/** From room version 11 on it stands in the content, which the sender wrote. */
const redaction = z.object({
  type: z.literal("m.room.redaction"),
  redacts: z.string().optional().catch(undefined),
  content: z.object({ redacts: z.string().optional().catch(undefined) }),
});

const aged = z.object({ unsigned: z.object({ age: z.number().nonnegative() }) });

/** How old it is, as far as that is told. */
function ageOf(event: unknown): Pick<DatedEvent, "age"> {
  const { data } = aged.safeParse(event);
  return data === undefined ? {} : { age: data.unsigned.age };
}

export const datedSchema = z.unknown().transform((event, context): DatedEvent => {
  const { data, error } = eventSchema.safeParse(event);
  if (data !== undefined) return { ...data, ...ageOf(event) };
  context.addIssue(reasonOf(error));
  return z.NEVER;
});

/** The well-formed ones among events of many rooms. */
export function parsePushed(
  events: readonly unknown[],
  malformed: (roomId: string, reason: string) => void,
): PushedEvent[] {
  return events.flatMap((event) => {
    const place = inRoom.safeParse(event);
    if (!place.success) malformed("", reasonOf(place.error));
    const { room_id: roomId = "" } = place.data ?? {};
    if (roomId === "") return [];
    const { data } = redaction.safeParse(event);
    const redacts = data?.redacts ?? data?.content.redacts;
    return parseEvents([event], (reason) => malformed(roomId, reason)).map((parsed) => ({
      ...parsed,
      roomId,
      ...(redacts !== undefined && { redacts }),
      ...ageOf(event),
    }));
  });
}

export function reasonOf(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? "unknown" : `${issue.path.map(String).join(".") || "all of it"}: ${issue.message}`;
}
