import { z } from "zod";
import { agentUserId, isAgentUser, serverOfUser } from "../../machines/addresses.ts";
import type { AskingAgent, Command, Heard, Question } from "../../machines/question.ts";
import type { MatrixEvent } from "../../matrix/port.ts";
import { askingAgentOf, historicalMark, turnMarkOf } from "../marker.ts";
import { commandIn, commandOfSign } from "./command.ts";

/** Whoever writes a relation chooses its text, and the agent is told it: nothing that could pass for a line of ours. */
const eventId = z.string().regex(/^\$[\x21-\x7e]{1,254}$/);

const relation = z.object({
  rel_type: z.string().optional().catch(undefined),
  event_id: eventId.optional().catch(undefined),
  is_falling_back: z.boolean().optional().catch(undefined),
  "m.in_reply_to": z.object({ event_id: eventId }).optional().catch(undefined),
});

const message = z.object({
  msgtype: z.string(),
  body: z.string(),
  "m.relates_to": relation.optional().catch(undefined),
  "m.new_content": z.object({ body: z.string() }).optional().catch(undefined),
  "m.mentions": z
    .object({ user_ids: z.array(z.string()).optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

const reaction = z.object({
  "m.relates_to": z.object({ rel_type: z.literal("m.annotation"), event_id: eventId, key: z.string() }),
});

type Message = z.infer<typeof message>;

/** Content that is a copy of something said elsewhere or earlier: answering it would start a loop. */
const copies = ["m.bridge_originated", historicalMark];

/** The last moment that has a date. */
const latestTime = 8.64e15;

const spoken: ReadonlySet<string> = new Set(["m.text", "m.emote"]);

const unreadable: Readonly<Record<string, string>> = {
  "m.image": "images",
  "m.file": "files",
  "m.audio": "audio",
  "m.video": "videos",
  "m.location": "locations",
};

export interface Listener {
  /** The listening agent's user. */
  readonly userId: string;
  /** Its own room, where everything is meant for it; elsewhere it must be mentioned. */
  readonly ownRoomId: string;
  /** Who may command it. */
  readonly commanders: ReadonlySet<string>;
}

/**
 * What an agent makes of one event of a timeline: a question, a change of one, a command, or nothing. Never throws:
 * whatever its sender put into the content, the event is understood or left alone.
 */
export function hear(event: MatrixEvent, roomId: string, listener: Listener): Heard | undefined {
  if (event.sender === listener.userId || event.stateKey !== undefined) return undefined;
  if (event.type === "m.room.encrypted" && roomId === listener.ownRoomId)
    return question(event, roomId, listener, {
      unreadable: "I cannot read encrypted messages. Please write in an unencrypted room.",
    });
  if (event.type === "m.reaction") return signed(event, roomId, listener);
  if (event.type !== "m.room.message") return undefined;
  const parsed = message.safeParse(event.content);
  if (!parsed.success || isCopy(event.content) || isAgentsAnswer(event)) return undefined;
  const { data } = parsed;
  if (data["m.relates_to"]?.rel_type === "m.replace") return edit(event, roomId, data);
  if (data.msgtype === "m.notice") return undefined;
  const mentioned = data["m.mentions"]?.user_ids?.includes(listener.userId) ?? false;
  if (roomId !== listener.ownRoomId && !mentioned) return undefined;
  const place = placeOf(data);
  if (!spoken.has(data.msgtype)) {
    const what = unreadable[data.msgtype] ?? "this kind of message";
    return question(event, roomId, listener, {
      ...place,
      mentioned,
      unreadable: `I can only read text so far, not ${what}.`,
    });
  }
  const text = withoutFallback(data).toWellFormed().trim();
  const name = commandIn(text);
  if (name !== undefined) return command(event, roomId, listener, { name, thread: place.thread });
  return text === "" ? undefined : question(event, roomId, listener, { ...place, mentioned, text });
}

type Said = Pick<Command, "name" | "reactionTo"> & { readonly thread?: string | undefined };

/** An agent's word is never a command, nor a question when it looks like one. */
function command(event: MatrixEvent, roomId: string, { commanders }: Listener, said: Said): Heard | undefined {
  const { eventId, sender } = event;
  if (isAgentUser(sender)) return undefined;
  const { thread, ...rest } = said;
  const permitted = commanders.has(sender);
  return {
    kind: "command",
    roomId,
    command: { ...rest, eventId, sender, permitted, ...(thread !== undefined && { thread }) },
  };
}

/** Anybody may react to anything: only the signs of those who may command mean something. */
function signed(event: MatrixEvent, roomId: string, listener: Listener): Heard | undefined {
  const relates = reaction.safeParse(event.content).data?.["m.relates_to"];
  if (relates === undefined || !listener.commanders.has(event.sender)) return undefined;
  const name = commandOfSign(relates.key);
  return name && command(event, roomId, listener, { name, reactionTo: relates.event_id });
}

/** The mark alone does not tell: a person's client copies it into what they forward, and that is a question. */
function isAgentsAnswer({ sender, content }: MatrixEvent): boolean {
  return isAgentUser(sender) && turnMarkOf(content) !== undefined;
}

function question(event: MatrixEvent, roomId: string, { userId }: Listener, rest: Partial<Question>): Heard {
  const { eventId, sender, originServerTs } = event;
  const sentAt = Math.min(Math.max(0, originServerTs), latestTime);
  const from = askerOf(event, userId);
  const heard: Question = { eventId, sender, sentAt, text: "", mentioned: false, ...(from && { from }), ...rest };
  return { kind: "question", roomId, question: heard };
}

/**
 * A mark that names another agent than the one that wrote it is a person's forward, or a lie. What another installation's
 * agents want to be told is theirs to find: none of them has a say in our conversations.
 */
function askerOf({ sender, content }: MatrixEvent, listener: string): AskingAgent | undefined {
  if (!isAgentUser(sender)) return undefined;
  const asking = askingAgentOf(content);
  const server = serverOfUser(sender);
  if (asking === undefined || agentUserId(server, asking.agentId) !== sender) return undefined;
  const { replyTo: _, ...known } = asking;
  return server === serverOfUser(listener) ? asking : known;
}

function edit({ eventId, sender }: MatrixEvent, roomId: string, data: Message): Heard | undefined {
  const { "m.relates_to": relates, "m.new_content": content } = data;
  const text = content?.body.toWellFormed().trim();
  if (relates?.event_id === undefined || text === undefined || text === "") return undefined;
  if (commandIn(text) !== undefined) return undefined;
  return { kind: "edit", roomId, eventId, edits: relates.event_id, sender, text };
}

function isCopy(content: Readonly<Record<string, unknown>>): boolean {
  return copies.some((key) => (content[key] ?? false) !== false);
}

function placeOf({ "m.relates_to": relates }: Message): Pick<Question, "thread" | "inReplyTo"> {
  const thread = relates?.rel_type === "m.thread" ? relates.event_id : undefined;
  const answered = relates?.is_falling_back === true ? undefined : relates?.["m.in_reply_to"]?.event_id;
  return { ...(thread !== undefined && { thread }), ...(answered !== undefined && { inReplyTo: answered }) };
}

/** Older clients quote the message they reply to at the top of the body. What a person quotes by hand stays. */
function withoutFallback({ body, "m.relates_to": relates }: Message): string {
  if (relates?.["m.in_reply_to"] === undefined || !/^> (\* )?<@/.test(body)) return body;
  const lines = body.split("\n");
  const first = lines.findIndex((line) => !line.startsWith("> "));
  return first < 0 ? body : lines.slice(first).join("\n");
}
