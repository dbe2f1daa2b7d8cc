import { z } from "zod";

/**
 * The frames of the App Server's protocol (version 1) that are in use. Everything else that a server sends, new fields
 * and new types of frames included, is no concern of ours and is let pass.
 */

const runtime = z.object({ agent_id: z.string(), conversation_id: z.string() });

const textParts = z.union([
  z.string(),
  z
    .array(z.looseObject({ type: z.string(), text: z.string().optional() }))
    .transform((parts) => parts.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("")),
]);

const loopStatus = z.object({
  type: z.literal("update_loop_status"),
  runtime,
  loop_status: z.object({ status: z.string() }),
});

const streamDelta = z.object({
  type: z.literal("stream_delta"),
  runtime,
  delta: z.looseObject({ message_type: z.string() }),
});

const controlRequest = z.object({
  type: z.literal("control_request"),
  runtime,
  request_id: z.string(),
  request: z.object({ subtype: z.string(), tool_name: z.string().default(""), input: z.unknown().optional() }),
});

const turnFinished = z.object({
  type: z.literal("turn_finished"),
  runtime,
  stop_reason: z.string(),
  error: z.string().optional(),
  idempotency_key: z.string().optional(),
  terminal_consumer_ids: z.array(z.string()).optional(),
});

const inputAccepted = z.object({
  type: z.literal("input_accepted"),
  runtime,
  request_id: z.string(),
  accepted: z.boolean(),
  error: z.string().optional(),
});

/** A tool that we serve is called. */
const externalCall = z.object({
  type: z.literal("external_tool_call_request"),
  runtime,
  request_id: z.string(),
  tool_call_id: z.string(),
  tool_name: z.string(),
  input: z.unknown(),
});

export const runtimeFrame = z.discriminatedUnion("type", [
  loopStatus,
  streamDelta,
  controlRequest,
  turnFinished,
  inputAccepted,
  externalCall,
]);

/** A frame that belongs to one runtime: one agent in one conversation. */
export type RuntimeFrame = z.infer<typeof runtimeFrame>;
export type TurnFinished = z.infer<typeof turnFinished>;
export type ControlRequest = z.infer<typeof controlRequest>;
export type ExternalCall = z.infer<typeof externalCall>;

/** Says what became of a request; `request_id` names the request. */
export const reply = z.looseObject({
  type: z.string(),
  request_id: z.string(),
  success: z.boolean().optional(),
  error: z.string().optional(),
});
export type Reply = z.infer<typeof reply>;

const runId = z.string().optional();

/** What a `stream_delta` carries, as far as it is in use. */
export const delta = z.discriminatedUnion("message_type", [
  z.object({ message_type: z.literal("assistant_message"), id: z.string(), run_id: runId, content: textParts }),
  z.object({ message_type: z.literal("retry"), run_id: runId }),
  z.object({ message_type: z.literal("error_message"), message: z.string() }),
  z.object({ message_type: z.literal("loop_error"), message: z.string() }),
  z.object({ message_type: z.literal("stop_reason"), stop_reason: z.string() }),
]);
export type Delta = z.infer<typeof delta>;

export const deltaTypes: ReadonlySet<string> = new Set(
  delta.options.map((option) => option.shape.message_type.value satisfies string),
);
export const runtimeFrameTypes: ReadonlySet<string> = new Set(
  runtimeFrame.options.map((option) => option.shape.type.value satisfies string),
);

/** One entry of a conversation's history. Tool calls and their results matter only by being there. */
const historyEntry = z.looseObject({
  id: z.string(),
  message_type: z.string(),
  date: z.string().nullish().catch(undefined),
  otid: z.string().nullish(),
  content: z.unknown().optional(),
});
export type HistoryEntry = z.infer<typeof historyEntry>;

export const historyPage = z.object({
  messages: z.array(historyEntry),
  has_more: z.boolean(),
  next_before: z.string().nullish(),
});

const listedAgent = z.object({
  id: z.string(),
  name: z.string(),
  /** Only looked at: an agent is listed whatever stands here. */
  model: z.string().nullish().catch(undefined),
});
export type ListedAgent = z.infer<typeof listedAgent>;
export const agentPage = z.object({ agents: z.array(listedAgent) });
export const createdAgent = z.object({ agent: z.object({ id: z.string(), name: z.string() }) });
export const createdConversation = z.object({ conversation: z.object({ id: z.string() }) });
export const abortReply = z.object({ aborted: z.boolean() });

/** The text of an assistant's message in the history; empty when it has none. */
export function textOf(entry: HistoryEntry): string {
  const parsed = textParts.safeParse(entry.content);
  return parsed.success ? parsed.data : "";
}
