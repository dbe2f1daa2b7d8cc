/** Stop reasons of turns that ended as they should: the text that there is, is the answer. */
const answers: ReadonlySet<string> = new Set([
  "end_turn",
  "max_steps",
  "max_tokens_exceeded",
  "no_tool_call",
  "tool_rule",
]);

export function isAnswer(stopReason: string): boolean {
  return answers.has(stopReason);
}
