import { LettaError } from "../port.ts";
import { quotedMessage } from "../quoted-message.ts";
import { cancelled } from "../stop-reason.ts";

export function unreachable(url: string, what: string, cause?: unknown): LettaError {
  return new LettaError("unreachable", `the Letta App Server at ${url} ${what}`, {
    remedy: "Check that `letta server --listen` runs there; letta-matrix tries again by itself.",
    cause,
  });
}

/** A proxy before the server asks for a pause, of so many seconds where that is a number. */
export function limited(url: string, retryAfter: number): LettaError {
  return new LettaError("unreachable", `the Letta App Server at ${url} asks for a pause`, {
    remedy: "Wait: letta-matrix tries again by itself.",
    ...(retryAfter > 0 && { retryAfterMs: retryAfter * 1_000 }),
  });
}

export function refused(message: string, remedy: string, cause?: unknown): LettaError {
  return new LettaError("refused", message, { remedy, cause });
}

/** The reply to a request said no. */
export function refusedByServer(command: string, reason: string): LettaError {
  // Letta 0.34 writes a conversation's file in place: one that it was killed over is empty, and unknown from then on.
  if (/^Conversation .* not found/i.test(reason))
    return new LettaError("gone", `Letta does not know this room's conversation any more: ${reason}`, {
      remedy: "Please send your message again; the agent goes on in a new conversation.",
    });
  if (/active or queued work/i.test(reason)) return busy(`Letta is not done with an earlier turn: ${reason}`);
  const remedy = /not found/i.test(reason)
    ? "It may have been deleted in Letta; look there."
    : "Look at the App Server's own output for the cause.";
  return refused(`Letta refused ${command}: ${reason}`, remedy);
}

export function malformed(command: string, cause: unknown): LettaError {
  return new LettaError("malformed", `Letta's answer to ${command} cannot be read`, {
    remedy: "Use a version of Letta that this version of letta-matrix is made for (0.34).",
    cause,
  });
}

export function busy(message: string): LettaError {
  return new LettaError("busy", message, { remedy: "Wait until that turn has ended; letta-matrix tries again." });
}

export function silent(message: string): LettaError {
  return new LettaError("silent", message, {
    remedy: "Please send your message again; if that changes nothing, look at the agent's model in Letta.",
  });
}

export function held(why: string): LettaError {
  return new LettaError("held", `Letta takes no message in this conversation any more: ${why}`, {
    remedy: "Please send your message again; the agent goes on in a copy of the conversation.",
  });
}

export function cut(): LettaError {
  return new LettaError("cut", "the turn ended with the connection it was begun over", {
    remedy: "Wait: it is looked up and, where that is safe, asked again.",
  });
}

export function failed(stopReason: string, text: string | undefined): LettaError {
  if (stopReason === cancelled) {
    return new LettaError("failed", "the turn was stopped before it had ended", { remedy: "Ask again." });
  }
  return new LettaError("failed", readable(text) ?? `the turn ended with "${stopReason}"`, {
    remedy: "Check the agent's model and its key in Letta, then ask again.",
  });
}

const longest = 500;

/** Letta wraps the model's own words in JSON, sometimes twice. */
function readable(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const plain = quotedMessage(text) ?? text;
  return plain.length > longest ? `${plain.slice(0, longest)}…` : plain;
}
