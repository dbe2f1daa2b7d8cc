import { type Mark, markOf, messageOf, type RoomEvent, replacedBy } from "./room-event.ts";

/** A message as a person sees it: edits in place, removed ones gone. */
export interface Shown {
  readonly eventId: string;
  readonly sender: string;
  readonly msgtype: string;
  readonly body: string;
  readonly html?: string;
  readonly thread?: string;
  readonly inReplyTo?: string;
  readonly mark?: Mark;
}

/** What a client shows of a room's events, in their order. Who sent a message may change it, nobody else. */
export function shown(events: readonly RoomEvent[]): Shown[] {
  const removed = new Set(events.flatMap(removedBy));
  const messages = new Map<string, Shown>();
  for (const event of events) {
    const message = messageOf(event);
    if (message === undefined || removed.has(event.eventId)) continue;
    const replaced = replacedBy(event);
    if (replaced === undefined) {
      const relates = message["m.relates_to"];
      const inReplyTo = relates?.["m.in_reply_to"]?.event_id;
      messages.set(event.eventId, {
        eventId: event.eventId,
        sender: event.sender,
        ...textOf(event.content),
        ...(relates?.rel_type === "m.thread" && relates.event_id !== undefined && { thread: relates.event_id }),
        ...(inReplyTo !== undefined && { inReplyTo }),
      });
      continue;
    }
    const before = messages.get(replaced);
    const fresh = message["m.new_content"];
    if (before?.sender === event.sender && fresh !== undefined) messages.set(replaced, { ...before, ...textOf(fresh) });
  }
  return [...messages.values()];
}

function textOf(content: Readonly<Record<string, unknown>>): Pick<Shown, "msgtype" | "body" | "html" | "mark"> {
  const html = content["formatted_body"];
  const mark = markOf(content);
  return {
    msgtype: String(content["msgtype"]),
    body: String(content["body"]),
    ...(typeof html === "string" && { html }),
    ...(mark !== undefined && { mark }),
  };
}

function removedBy({ type, content }: RoomEvent): string[] {
  return type === "m.room.redaction" && typeof content["redacts"] === "string" ? [content["redacts"]] : [];
}
