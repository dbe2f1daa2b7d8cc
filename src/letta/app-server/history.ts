import { type Conversation, saidAt, type Utterance } from "../port.ts";
import type { Request } from "./connection.ts";
import { type HistoryEntry, historyPage, textOf } from "./frames.ts";

const pageSize = 50;
/** A message that is asked for was the last of ours: it is near the end. */
const mostPages = 40;

/** What the history has of one turn. It does not say whether the turn was completed: a cut one leaves its text too. */
export interface TurnRecord {
  /** All its texts, a paragraph each; empty when there are none. */
  readonly text: string;
  /** Its last word is a text: it may be a whole answer. */
  readonly endsInText: boolean;
  /** Something besides texts is in it: a call of a tool, or what came of one. */
  readonly calledTool?: true;
  /** No other message came after it. */
  readonly latest: boolean;
}

/** Looks for the newest message with this otid; `undefined` when the history has none. */
export async function readTurn(
  request: Request,
  conversation: Conversation,
  otid: string,
  signal: AbortSignal,
): Promise<TurnRecord | undefined> {
  const later: HistoryEntry[] = [];
  for await (const entry of newestFirst(request, conversation, signal)) {
    if (entry.message_type === "user_message" && entry.otid === otid) return recordOf(entry, later.reverse());
    later.push(entry);
  }
  return undefined;
}

/** The last things that were said in an agent's own conversation, the oldest first. */
export async function readPast(
  request: Request,
  agentId: string,
  limit: number,
  signal: AbortSignal,
): Promise<readonly Utterance[]> {
  const past: Utterance[] = [];
  if (limit <= 0) return past;
  const conversation = { agentId, conversationId: "default" };
  for await (const entry of newestFirst(request, conversation, signal)) {
    const utterance = utteranceOf(entry);
    if (utterance !== undefined) past.unshift(utterance);
    if (past.length === limit) break;
  }
  return past;
}

/** All that a conversation's history has, as far back as anybody asks. */
export async function* newestFirst(
  request: Request,
  { agentId, conversationId }: Conversation,
  signal: AbortSignal,
): AsyncGenerator<HistoryEntry> {
  let before: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const query = {
      limit: pageSize,
      order: "desc",
      ...(before === undefined ? {} : { before }),
      ...(conversationId === "default" ? { agent_id: agentId } : {}),
    };
    const command = { type: "conversation_messages_list", conversation_id: conversationId, query };
    const { messages, has_more, next_before } = await request(command, historyPage, signal);
    yield* messages;
    if (!has_more || next_before == null || next_before === before) return;
    before = next_before;
  }
}

const speakers: Readonly<Record<string, Utterance["speaker"]>> = { user_message: "user", assistant_message: "agent" };

function utteranceOf(entry: HistoryEntry): Utterance | undefined {
  const speaker = speakers[entry.message_type];
  const text = textOf(entry).replace(reminder, "").trim();
  return speaker === undefined || text === "" ? undefined : { id: entry.id, speaker, text, ...saidAt(entry.date) };
}

function recordOf(question: HistoryEntry, later: readonly HistoryEntry[]): TurnRecord {
  const asked = JSON.stringify(question.content);
  let own: HistoryEntry[] = [];
  let latest = true;
  for (const entry of later) {
    if (entry.message_type === "user_message" && !isReminder(entry)) {
      // Letta repeats a message, under an id of its own, when the model failed in mid-answer: what that wrote is void.
      latest = JSON.stringify(entry.content) === asked;
      if (!latest) break;
      own = [];
    } else own.push(entry);
  }
  const told = own.filter(
    ({ message_type }) => message_type !== "user_message" && message_type !== "reasoning_message",
  );
  const texts = told.filter(({ message_type }) => message_type === "assistant_message").map(textOf);
  return {
    text: join(texts),
    endsInText: told.at(-1)?.message_type === "assistant_message",
    ...(told.length > texts.length && { calledTool: true as const }),
    latest,
  };
}

function join(texts: readonly string[]): string {
  return texts
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .join("\n\n");
}

const reminder = /<system-reminder>[\s\S]*?<\/system-reminder>/g;

/** Letta's own notes to the agent come as messages of the user. */
function isReminder(entry: HistoryEntry): boolean {
  const text = textOf(entry);
  return text !== "" && text.replace(reminder, "").trim() === "";
}
