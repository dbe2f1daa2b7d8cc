import { z } from "zod";
import { requestOf, type TurnMark, turnOf } from "./marks.ts";
import type { RoomEvent } from "./person.ts";

/** A visible thing that an agent said about a question: one event with its edits. */
export interface Saying {
  /** The event that the edits replace. */
  readonly eventId: string;
  /** The question, by the marker of its newest state. */
  readonly cause: string;
  readonly body: string;
  readonly final: boolean;
  readonly outcome: "answer" | "error" | undefined;
  readonly relation: Relation;
}

/** An event that ends the turn of a question; there may be only one. */
export interface Ending {
  readonly eventId: string;
  readonly cause: string;
  /** The command that wanted it. */
  readonly retry: string | undefined;
  readonly outcome: "answer" | "error" | undefined;
  /** Place in the timeline. */
  readonly index: number;
  /** The event it replaces, or itself. */
  readonly root: string;
  readonly body: string;
}

/** What a room shows, as a client that has read all of it would see it. */
export interface RoomView {
  readonly sayings: readonly Saying[];
  readonly endings: readonly Ending[];
  /** Places of all events in the timeline, by event id. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** Messages of the agent that belong to no question. */
  readonly unmarked: readonly { readonly eventId: string; readonly inReplyTo: string | undefined }[];
  /** Where it asked whether it may use a tool, and whether that still looks undecided. */
  readonly requests: readonly { readonly eventId: string; readonly cause: string; readonly open: boolean }[];
}

const relation = z.object({
  rel_type: z.string().optional(),
  event_id: z.string().optional(),
  "m.in_reply_to": z.object({ event_id: z.string() }).optional(),
});
export type Relation = z.infer<typeof relation>;

const message = z.object({
  body: z.string(),
  "m.relates_to": relation.optional(),
  "m.new_content": z.looseObject({ body: z.string() }).optional(),
});

interface Message {
  readonly eventId: string;
  readonly index: number;
  readonly replaces: string | undefined;
  readonly content: z.infer<typeof message>;
  readonly mark: TurnMark | undefined;
  readonly request: ReturnType<typeof requestOf>;
}

/** Resolves the edits of one agent's messages in a room's whole timeline. */
export function viewOf(events: readonly RoomEvent[], agentUserId: string): RoomView {
  const messages = events.flatMap((event, index) => messageOf(event, index, agentUserId));
  const edits = Map.groupBy(
    messages.filter(({ replaces }) => replaces !== undefined),
    ({ replaces }) => replaces,
  );
  const roots = messages.filter(({ replaces }) => replaces === undefined);
  return {
    sayings: roots.flatMap((root) => sayingOf(root, edits.get(root.eventId)?.at(-1))),
    endings: messages.flatMap(endingOf),
    indexOf: new Map(events.map(({ event_id }, index) => [event_id, index])),
    unmarked: messages
      .filter(({ mark, request }) => mark === undefined && request === undefined)
      .map(({ eventId, content }) => ({
        eventId,
        inReplyTo: content["m.relates_to"]?.["m.in_reply_to"]?.event_id,
      })),
    requests: roots.flatMap(({ eventId, request }) => {
      const newest = edits.get(eventId)?.at(-1)?.request ?? request;
      return newest === undefined ? [] : [{ eventId, ...newest }];
    }),
  };
}

function messageOf(event: RoomEvent, index: number, agentUserId: string): Message[] {
  if (event.type !== "m.room.message" || event.sender !== agentUserId) return [];
  const content = message.safeParse(event.content);
  // A redacted event has no content left: nobody sees it.
  if (!content.success) return [];
  const relates = content.data["m.relates_to"];
  const replaces = relates?.rel_type === "m.replace" ? relates.event_id : undefined;
  return [
    {
      eventId: event.event_id,
      index,
      replaces,
      content: content.data,
      mark: turnOf(event.content),
      request: requestOf(event.content),
    },
  ];
}

function sayingOf(root: Message, edit: Message | undefined): Saying[] {
  const newest = edit ?? root;
  const { mark } = newest;
  if (mark === undefined) return [];
  return [
    {
      eventId: root.eventId,
      cause: mark.cause,
      body: textOf(newest),
      final: mark.final,
      outcome: mark.outcome,
      relation: root.content["m.relates_to"] ?? {},
    },
  ];
}

function endingOf(message: Message): Ending[] {
  const { mark, eventId, index, replaces } = message;
  if (mark?.final !== true) return [];
  const { cause, retry, outcome } = mark;
  return [{ eventId, cause, retry, outcome, index, root: replaces ?? eventId, body: textOf(message) }];
}

function textOf({ content }: Message): string {
  return content["m.new_content"]?.body ?? content.body;
}
