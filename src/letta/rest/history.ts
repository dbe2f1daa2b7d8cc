import { type Conversation, saidAt, type Utterance } from "../port.ts";
import type { RestApi } from "./api.ts";
import { callsIn, type HistoryEntry, type ToolCall, textOf } from "./frames.ts";

type Histories = Pick<RestApi, "history">;

/** What the history has of one turn. */
export interface TurnRecord {
  /** All its texts, a paragraph each; empty when there are none. */
  readonly text: string;
  /** The last of its runs: one more begins with each answer to a tool call that waited. */
  readonly runId?: string;
  /** Tools that ran, or were about to, without asking us. */
  readonly ran: readonly string[];
  /** Calls that still wait to be allowed. */
  readonly waiting: readonly ToolCall[];
}

/**
 * Looks for the newest message with this otid; `undefined` when the history has none, which a message of a turn that has
 * not finished its first step never is.
 */
export async function readTurn(
  api: Histories,
  conversation: Conversation,
  otid: string,
  signal: AbortSignal,
): Promise<TurnRecord | undefined> {
  const isQuestion = (entry: HistoryEntry) => entry.message_type === "user_message" && entry.otid === otid;
  const entries = await api.history(conversation, (newest) => newest.some(isQuestion), signal);
  const begin = entries.findLastIndex(isQuestion);
  if (begin < 0) return undefined;
  const length = entries.slice(begin + 1).findIndex(({ message_type }) => message_type === "user_message");
  return recordOf(entries.slice(begin, length < 0 ? undefined : begin + 1 + length));
}

/** Tool calls at the end of the history that wait to be allowed, whosever turn they belong to. */
export async function waitingIn(
  api: Histories,
  conversation: Conversation,
  signal: AbortSignal,
): Promise<readonly ToolCall[]> {
  return recordOf(await api.history(conversation, () => true, signal)).waiting;
}

/** The last things that were said in an agent's own conversation, the oldest first. */
export async function readPast(
  api: Histories,
  agentId: string,
  limit: number,
  signal: AbortSignal,
): Promise<readonly Utterance[]> {
  if (limit <= 0) return [];
  const said = (entries: readonly HistoryEntry[]) => entries.map(utteranceOf).filter((one) => one !== undefined);
  const own = { agentId, conversationId: "default" };
  return said(await api.history(own, (newest) => said(newest).length >= limit, signal)).slice(-limit);
}

const speakers: Readonly<Record<string, Utterance["speaker"]>> = { user_message: "user", assistant_message: "agent" };
/** Notes of Letta's own app to the agent come within messages of the user. */
const reminder = /<system-reminder>[\s\S]*?<\/system-reminder>/g;

function utteranceOf(entry: HistoryEntry): Utterance | undefined {
  const speaker = speakers[entry.message_type];
  const text = textOf(entry).replace(reminder, "").trim();
  return speaker === undefined || text === "" ? undefined : { id: entry.id, speaker, text, ...saidAt(entry.date) };
}

function recordOf(entries: readonly HistoryEntry[]): TurnRecord {
  const texts = entries.filter(({ message_type }) => message_type === "assistant_message").map(textOf);
  const runId = entries.findLast(({ run_id }) => run_id)?.run_id ?? undefined;
  const last = entries.findLast(({ message_type }) => message_type.startsWith("approval_"));
  return {
    text: texts
      .map((text) => text.trim())
      .filter((text) => text !== "")
      .join("\n\n"),
    ...(runId === undefined ? {} : { runId }),
    ran: entries
      .filter(({ message_type }) => message_type === "tool_call_message")
      .flatMap(callsIn)
      .map(nameOf),
    waiting: last?.message_type === "approval_request_message" ? callsIn(last) : [],
  };
}

function nameOf({ name }: ToolCall): string {
  return name;
}
