import type { Answer } from "./question.ts";
import { failureOf, type Wait } from "./wait.ts";

/** What a person reads when something does not go as it should. */

export function waitText(wait: Wait | undefined): string {
  return sentences(wait?.reason ?? "Letta does not answer", wait?.remedy);
}

export function errorAnswer(event: { readonly error: unknown }): Answer {
  const { kind, message, remedy } = failureOf(event);
  return { outcome: "error", text: sentences(message, kind === "lost" ? again : remedy) };
}

const again = "Write !retry to have me try again, or send your message in other words.";

/** What was written stands. */
export function stoppedAnswer(text: string): Answer {
  return { outcome: "error", text: text === "" ? "Stopped." : `${text}\n\n(Stopped.)` };
}

/** What is said to commands that change nothing. */
export const remarks = {
  nothingToStop: "There is nothing to stop: I am not working on any message.",
  alreadyStopping: "I am stopping already.",
  nothingToRetry: "There is nothing to try again: my last answer was not an error, or it is being tried already.",
  nothingToDecide: "There is nothing to approve or deny.",
  notYours: "Only people whom the operator has named may tell me that.",
  paused: "I am paused by whoever runs me. Your message is kept, and I answer it as soon as I may go on.",
  waitsForApproval: "I will come to this: before, somebody has to !approve or !deny a tool call.",
} as const;

export function unsendable(event: { readonly error: unknown }): Answer {
  const { message, remedy } = failureOf(event);
  return { outcome: "error", text: sentences("I have an answer that I cannot send here", message, remedy) };
}

function sentences(...parts: readonly (string | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .map((part) => (/[.!?]$/.test(part) ? part : `${part}.`))
    .join(" ");
}
