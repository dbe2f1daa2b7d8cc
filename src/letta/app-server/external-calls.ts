import type { ExternalTools, ToolOutcome } from "../port.ts";
import type { AppServerConnection } from "./connection.ts";
import type { ExternalCall } from "./frames.ts";
import type { Session } from "./session.ts";

/** Tools of one scope are offered to those messages only that name it: nobody else's turns may use ours. */
export const ourScope = "letta-matrix";

/** How long Letta waits for a tool of ours, ms: an agent may wait a minute for another one. */
const timeoutMs = 90_000;

const never = new AbortController().signal;

/** As a session tells Letta of them. Left alone for ten seconds, Letta would have its model go on without the result. */
export function offered({ list }: ExternalTools): readonly object[] {
  const tools = list.map((tool) => ({ ...tool, timeout_ms: timeoutMs, auto_background: false }));
  return [{ scope_id: ourScope, tools }];
}

/** Has a tool of ours do what a model wants, and tells Letta what came of it. */
export async function answerCall(
  { turn, conversation }: Session,
  { request_id, tool_call_id: toolCallId, tool_name: name, input }: ExternalCall,
  tools: ExternalTools,
  connection: Pick<AppServerConnection, "post">,
): Promise<void> {
  const caller = turn && { ...conversation, otid: turn.otid, toolCallId };
  const { text, isError }: ToolOutcome =
    caller === undefined
      ? { text: "This tool works in turns of its own client only.", isError: true }
      : await tools.call(caller, name, input, turn?.over ?? never);
  // The connection has gone with its turn, and another one knows nothing of the call.
  if (turn?.ended === true) return;
  const result = { content: [{ type: "text", text }], is_error: isError };
  await connection.post({ type: "external_tool_call_response", request_id, result }, never);
}
