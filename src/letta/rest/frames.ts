import { z } from "zod";

/**
 * What of the REST API's objects is in use. Everything else that a server sends, new fields and new types of messages
 * included, is no concern of ours and is let pass.
 */

const textParts = z.union([
  z.string(),
  z
    .array(z.looseObject({ type: z.string(), text: z.string().optional() }))
    .transform((parts) => parts.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("")),
]);

/** Of a call that streams in pieces each piece has only what is new in it. */
const toolCall = z.looseObject({
  name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
  arguments: z.string().nullish(),
});
const toolCalls = z.union([z.array(toolCall), toolCall.transform((call) => [call])]).nullish();

const origin = { id: z.string(), run_id: z.string().nullish(), seq_id: z.number().nullish() };
const calling = { ...origin, tool_call: toolCall.nullish(), tool_calls: toolCalls };

/** One frame of a turn's stream. */
export const frame = z.discriminatedUnion("message_type", [
  z.object({ message_type: z.literal("ping"), run_id: z.string().nullish(), seq_id: z.number().nullish() }),
  z.object({ message_type: z.literal("assistant_message"), ...origin, content: textParts }),
  z.object({ message_type: z.literal("tool_call_message"), ...calling }),
  z.object({ message_type: z.literal("approval_request_message"), ...calling }),
  z.object({ message_type: z.literal("error_message"), message: z.string(), detail: z.string().nullish() }),
  z.object({ message_type: z.literal("stop_reason"), stop_reason: z.string() }),
]);
export type Frame = z.infer<typeof frame>;

/** Any other frame says at least that the turn is alive, and perhaps whose run it is and where in the stream we are. */
export const otherFrame = z.looseObject({
  message_type: z.string(),
  run_id: z.string().nullish(),
  seq_id: z.number().nullish(),
});

export const frameTypes: ReadonlySet<string> = new Set(
  frame.options.map((option) => option.shape.message_type.value satisfies string),
);

/** What a stream's `event: error` carries. */
export const streamError = z.looseObject({
  message: z.string().default("the turn failed"),
  detail: z.string().nullish(),
});

/** One entry of a conversation's history. */
export const historyEntry = z.looseObject({
  id: z.string(),
  message_type: z.string(),
  date: z.string().nullish(),
  otid: z.string().nullish(),
  run_id: z.string().nullish(),
  content: z.unknown().optional(),
  tool_call: toolCall.nullish(),
  tool_calls: toolCalls,
});
export type HistoryEntry = z.infer<typeof historyEntry>;

export const run = z.object({
  id: z.string(),
  status: z.string(),
  stop_reason: z.string().nullish(),
  background: z.boolean().nullish(),
  created_at: z.string().nullish(),
});
export type Run = z.infer<typeof run>;

export const identified = z.looseObject({ id: z.string() });
export const agent = z.looseObject({ id: z.string(), name: z.string() });

/** What a refusal's body may hold: Letta's words, as text or as an object, and the run that is in the way. */
export const refusal = z.looseObject({ detail: z.unknown().optional(), run_id: z.string().nullish() });

/** The text of an assistant's message in the history; empty when it has none. */
export function textOf(entry: HistoryEntry): string {
  const parsed = textParts.safeParse(entry.content);
  return parsed.success ? parsed.data : "";
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** Whole only in the history. */
  readonly input: unknown;
}

/** The tool calls that a message names in full or begins; pieces of a call that was begun before are left out. */
export function callsIn(message: {
  readonly tool_call?: z.infer<typeof toolCall> | null | undefined;
  readonly tool_calls?: z.infer<typeof toolCalls>;
}): readonly ToolCall[] {
  const all = [...(message.tool_calls ?? []), ...(message.tool_call ? [message.tool_call] : [])];
  const calls = new Map<string, ToolCall>();
  for (const { tool_call_id: id, name, arguments: given } of all)
    if (id && name && !calls.has(id)) calls.set(id, { id, name, input: parsed(given ?? "") });
  return [...calls.values()];
}

/** Models make mistakes in their JSON: then it is what they wrote. */
function parsed(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return given;
  }
}
