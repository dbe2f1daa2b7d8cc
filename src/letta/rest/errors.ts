import { APIConnectionError, APIError } from "@letta-ai/letta-client";
import { LettaError } from "../port.ts";
import { quotedMessage } from "../quoted-message.ts";
import { refusal } from "./frames.ts";

/** The server will not run a turn in the background: it has no Redis. */
export class NoBackground extends Error {
  override readonly name = "NoBackground";
}

/** The conversation takes no message while this is so. */
export class Occupied extends Error {
  override readonly name = "Occupied";
  readonly reason: "run" | "approval";
  readonly runId: string | undefined;

  constructor(reason: "run" | "approval", runId: string | undefined) {
    super(`the conversation is occupied by ${reason === "run" ? "a run" : "a tool call that waits for approval"}`);
    this.reason = reason;
    this.runId = runId;
  }
}

export interface Asked {
  /** Of the server. */
  readonly url: string;
  readonly what: string;
  /** Not a conversation that every agent has. */
  readonly conversationId?: string;
  /** Secrets that were shown: Letta, or a proxy before it, may quote them in its answer. */
  readonly shown?: readonly string[];
}

/** HTTP status of a failure; `undefined` when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const status: unknown = error instanceof APIError ? error.status : undefined;
  return typeof status === "number" ? status : undefined;
}

/** Makes of the client's error one of ours. It takes over only Letta's words: the rest may hold the request. */
export function translate(error: unknown, asked: Asked): Error {
  if (error instanceof LettaError || error instanceof NoBackground || error instanceof Occupied) return error;
  const status = statusOf(error);
  if (status === undefined || error instanceof APIConnectionError) return unreachable(asked, networkReason(error));
  const { text, code, runId } = wordsOf(error, asked.shown ?? []);
  switch (status) {
    case 401:
    case 403:
      return refused(`Letta at ${asked.url} refuses the key (${status})`, "Check letta.api_key in the configuration.");
    case 402:
      return refused(`Letta at ${asked.url} is out of credit: ${text}`, "Add credit to the account in Letta.");
    case 408:
      return unreachable(asked, "took too long");
    case 409:
      if (code === "PENDING_APPROVAL" || /waiting for approval/i.test(text)) return new Occupied("approval", runId);
      return new Occupied("run", runId);
    case 429:
      return new LettaError("unreachable", `Letta at ${asked.url} asks for a pause`, {
        remedy: "Wait: letta-matrix tries again by itself.",
        ...retryAfter(error),
      });
    case 404:
    case 422:
      return notFound(asked, status, text);
  }
  if (status === 503 && /redis/i.test(text)) return new NoBackground(text);
  if (status >= 500) return unreachable(asked, `failed (${status})`);
  return refused(`Letta refused ${asked.what} (${status}): ${text}`, "Look at Letta's own log for the cause.");
}

/**
 * The answer to an id of nothing (404), or to one in another server's form (422): an agent or a conversation of a Letta that
 * was used here before.
 */
function notFound({ what, conversationId }: Asked, status: number, text: string): LettaError {
  const isConversation = conversationId !== undefined && /conversation/i.test(text) && !/^agent/i.test(text);
  if (isConversation) {
    return new LettaError("gone", "Letta does not know this room's conversation any more", {
      remedy: "Please send your message again; the agent goes on in a new conversation.",
    });
  }
  return refused(`Letta refused ${what} (${status}): ${text}`, "It may have been deleted in Letta; look there.");
}

export function unreachable({ url }: Asked, why: string): LettaError {
  return new LettaError("unreachable", `the Letta server at ${url} ${why}`, {
    remedy: "Check that Letta runs there (letta server, or Letta Cloud); letta-matrix tries again by itself.",
  });
}

export function cut(url: string): LettaError {
  return unreachable({ url, what: "" }, "cut the connection");
}

function refused(message: string, remedy: string): LettaError {
  return new LettaError("refused", message, { remedy });
}

export function malformed(what: string): LettaError {
  return new LettaError("malformed", `Letta's answer to ${what} cannot be read`, {
    remedy: "Use a version of Letta that this version of letta-matrix is made for (0.16 or Letta Cloud).",
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

export function failed(stopReason: string, words: string | undefined): LettaError {
  if (stopReason === "cancelled")
    return new LettaError("failed", "the turn was stopped before it had ended", { remedy: "Ask again." });
  if (stopReason === "insufficient_credits")
    return new LettaError("failed", "the account has no credit left", {
      remedy: "Add credit in Letta, then ask again.",
    });
  return new LettaError("failed", words ?? `the turn ended with "${stopReason}"`, {
    remedy: "Check the agent's model and its key in Letta, then ask again.",
  });
}

const longest = 500;

/** What went wrong in the model's own words where Letta quotes them. */
export function modelsWords({
  message,
  detail,
}: {
  readonly message: string;
  readonly detail?: string | null | undefined;
}) {
  const quoted = /'message': '(.*?)'[,}]/.exec(detail ?? "")?.[1] ?? quotedMessage(detail ?? "");
  return shorten(quoted ?? (detail ? `${message} ${detail}` : message));
}

function shorten(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

function networkReason(error: unknown): string {
  // The client wraps what `fetch` wraps.
  for (let inner = error, depth = 0; inner instanceof Error && depth < 4; inner = inner.cause, depth += 1) {
    const code: unknown = Reflect.get(inner, "code");
    if (typeof code === "string") return `cannot be reached (${code})`;
  }
  return "cannot be reached";
}

function wordsOf(
  error: unknown,
  shown: readonly string[],
): { readonly text: string; readonly code?: string; readonly runId?: string } {
  const body = refusal.safeParse(error instanceof APIError ? error.error : undefined).data;
  const detail: unknown = body?.detail;
  const code: unknown = Reflect.get(Object(detail), "code");
  const said = typeof detail === "string" ? detail : JSON.stringify(detail ?? "no reason was given");
  const text = shown.reduce((rest, secret) => (secret === "" ? rest : rest.replaceAll(secret, "[secret]")), said);
  const runId = body?.run_id ?? /run_id=(run-[0-9a-f-]+)/.exec(text)?.[1];
  return {
    text: shorten(text),
    ...(typeof code === "string" ? { code } : {}),
    ...(runId === undefined ? {} : { runId }),
  };
}

function retryAfter(error: unknown): { readonly retryAfterMs?: number } {
  const header = error instanceof APIError ? error.headers?.get("retry-after") : undefined;
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {};
}
