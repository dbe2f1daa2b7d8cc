import type { Remark } from "../../machines/conversation/context.ts";
import type { Answer, Question } from "../../machines/question.ts";
import type { Content } from "../../matrix/port.ts";
import { approvalMarker, type TurnMark, turnMarker } from "../marker.ts";
import type { Markdown } from "./markdown.ts";

/** The contents of the events that answer a question: drafts ring nobody, the final rings its asker once. */

const noMentions: Content = {};

/** Where an answer stands: in the question's thread, if it has one, and as a reply to it. */
function relationTo({ eventId, thread }: Pick<Question, "eventId" | "thread">): Content {
  const reply = { "m.in_reply_to": { event_id: eventId } };
  return thread === undefined ? reply : { ...reply, rel_type: "m.thread", event_id: thread, is_falling_back: false };
}

function replacing(eventId: string): Content {
  return { rel_type: "m.replace", event_id: eventId };
}

/** A text as it can be sent: a lone half of a character is no Unicode, and homeservers refuse the whole event. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

/** To everybody in the room, and to nobody's bell. */
export function cutNotice(): Content {
  const body =
    "So much was written here while I was away that I have not read all of it. " +
    "If something before this still needs an answer, please send it again.";
  return { msgtype: "m.notice", body, "m.mentions": noMentions };
}

function causeMark({ eventId, retry, returned }: Question): Pick<TurnMark, "cause" | "retry" | "reply_to"> {
  return {
    cause: eventId,
    ...(retry !== undefined && { retry }),
    ...(returned !== undefined && { reply_to: returned.userId }),
  };
}

/** One short notice to a message, where it stands. */
export function remarkContent({ to: { eventId, thread }, text }: Pick<Remark, "to" | "text">): Content {
  const place = { eventId, ...(thread !== undefined && { thread }) };
  return { msgtype: "m.notice", body: text, "m.mentions": noMentions, "m.relates_to": relationTo(place) };
}

/** Rings: the turn waits for it. */
export function approvalContent(question: Question, text: string): Content {
  return {
    msgtype: "m.text",
    body: wellFormed(text),
    "m.mentions": { user_ids: [question.sender] },
    "m.relates_to": relationTo(question),
    [approvalMarker]: { cause: question.eventId, open: true },
  };
}

export function approvalEdit(question: Question, text: string, request: string): Content {
  const body = wellFormed(text);
  const mark = { cause: question.eventId, open: false };
  const fresh = { msgtype: "m.text", body, "m.mentions": noMentions, [approvalMarker]: mark };
  return { ...fresh, body: `* ${body}`, "m.new_content": fresh, "m.relates_to": replacing(request) };
}

function draftMark(question: Question, attempt: number): Content {
  return { ...causeMark(question), attempt, part: 1, parts: 1, final: false, hops: question.from?.hops ?? 0 };
}

export function draftContent(question: Question, attempt: number, text: string): Content {
  return {
    msgtype: "m.notice",
    body: wellFormed(text),
    "m.mentions": noMentions,
    "m.relates_to": relationTo(question),
    [turnMarker]: draftMark(question, attempt),
  };
}

export function draftEdit(question: Question, attempt: number, text: string, draft: string): Content {
  const mark = draftMark(question, attempt);
  const body = wellFormed(text);
  const fresh = { msgtype: "m.notice", body, "m.mentions": noMentions, [turnMarker]: mark };
  return { ...fresh, body: `* ${body}`, "m.new_content": fresh, "m.relates_to": replacing(draft) };
}

export interface FinalPart {
  readonly question: Question;
  readonly attempt: number;
  readonly outcome: Answer["outcome"];
  readonly text: string;
  /** Counted from 1. */
  readonly part: number;
  readonly parts: number;
  /** The draft that this part takes the place of. */
  readonly draft?: string;
}

export function finalContent(final: FinalPart, markdown: Markdown): Content {
  const { question, attempt, outcome, part, parts, draft } = final;
  const text = wellFormed(final.text);
  const mark: TurnMark = {
    ...causeMark(question),
    attempt,
    part,
    parts,
    final: part === parts,
    outcome,
    hops: question.from?.hops ?? 0,
  };
  const html = markdown.html(text);
  const fresh: Content = {
    msgtype: "m.text",
    body: text,
    ...(html !== undefined && { format: "org.matrix.custom.html", formatted_body: html }),
    // Rings once, also when the answer has several parts.
    "m.mentions": part === 1 ? { user_ids: [question.sender] } : noMentions,
    [turnMarker]: mark,
  };
  if (draft === undefined) return { ...fresh, "m.relates_to": relationTo(question) };
  return {
    ...fresh,
    body: `* ${text}`,
    ...(html !== undefined && { formatted_body: `* ${html}` }),
    "m.new_content": fresh,
    "m.relates_to": replacing(draft),
  };
}
