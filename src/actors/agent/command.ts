import type { Command } from "../../machines/question.ts";

/** Words and signs by which people command an agent, instead of asking it something. */

export interface CommandPolicy {
  /** User ids of the people who may stop turns, have them tried again, and decide about tool calls. */
  readonly people: ReadonlySet<string>;
}

const words: ReadonlySet<string> = new Set<Command["name"]>(["stop", "retry", "approve", "deny"]);

const signs: Readonly<Record<string, Command["name"]>> = { "✅": "approve", "❌": "deny" };

/** A command is all of its message, but for the agent's name before it, as clients put it where they mention somebody. */
const command = /^(?:[^\n]{1,255}?:\s+)?[!/](\w{1,10})$/;

function isName(word: string): word is Command["name"] {
  return words.has(word);
}

export function commandIn(text: string): Command["name"] | undefined {
  const word = command.exec(text.trim())?.[1]?.toLowerCase() ?? "";
  return isName(word) ? word : undefined;
}

/** Clients put a sign that tells how to draw it after some of them. */
export function commandOfSign(key: string): Command["name"] | undefined {
  return signs[key.replaceAll("\ufe0f", "")];
}
