/** Stop reasons of turns that ended as they should: the text that there is, is the answer. */
const answers: ReadonlySet<string> = new Set([
  "end_turn",
  "max_steps",
  "max_tokens_exceeded",
  "no_tool_call",
  "tool_rule",
]);

/** Of a turn that was stopped, or cut off with its client. */
export const cancelled = "cancelled";
/** In place of Letta's word, of a turn that is over without one that we heard. */
export const untold = "untold";

export function isAnswer(stopReason: string): boolean {
  return answers.has(stopReason);
}
