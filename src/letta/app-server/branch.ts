import type { Conversation } from "../port.ts";
import type { Request } from "./connection.ts";
import { createdConversation, type HistoryEntry } from "./frames.ts";
import { newestFirst } from "./history.ts";

/** What a model says without doing anything. */
const words: ReadonlySet<string> = new Set(["assistant_message", "reasoning_message", "hidden_reasoning_message"]);

/**
 * Letta 0.34 stops watching a turn when the socket that asked for it is gone, but goes on to count that turn's run as
 * running: the conversation takes no message until Letta is restarted, and no command ends such a run. A fork of the
 * conversation has its history and is free. It leaves out what the cut-off turn would be misread by: the half answer,
 * which looks like a whole one, and a message that led to nothing. What tools have done stays.
 */
export async function branch(request: Request, from: Conversation, signal: AbortSignal): Promise<Conversation> {
  const last = await lastSettled(request, from, signal);
  if (last === undefined) return await create(request, from.agentId, signal);
  const body = { agent_id: from.agentId, message_id: last.id };
  const command = { type: "conversation_fork", conversation_id: from.conversationId, body };
  const { conversation } = await request(command, createdConversation, signal);
  return { agentId: from.agentId, conversationId: conversation.id };
}

export async function create(request: Request, agentId: string, signal: AbortSignal): Promise<Conversation> {
  const command = { type: "conversation_create", body: { agent_id: agentId } };
  const { conversation } = await request(command, createdConversation, signal);
  return { agentId, conversationId: conversation.id };
}

/** The newest entry that is neither words of the last turn nor the message it began with; `undefined` if there is none. */
async function lastSettled(
  request: Request,
  conversation: Conversation,
  signal: AbortSignal,
): Promise<HistoryEntry | undefined> {
  let begun = false;
  for await (const entry of newestFirst(request, conversation, signal)) {
    if (entry.message_type === "user_message") begun = true;
    else if (begun || !words.has(entry.message_type)) return entry;
  }
  return undefined;
}
