import type { Answer } from "./question.ts";
import { failureOf, type Wait } from "./wait.ts";

/** What a person reads when something does not go as it should. */

export function waitText(wait: Wait | undefined): string {
  return sentences(wait?.reason ?? "Letta does not answer", wait?.remedy);
}

export function errorAnswer(event: { readonly error: unknown }): Answer {
  const { kind, message, remedy } = failureOf(event);
  return { outcome: "error", text: sentences(message, kind === "lost" ? "Please send your message again." : remedy) };
}

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
