import { type ModelRequest, withoutDirectives } from "./model-request.ts";

/** How the stand-in model answers one request. All times are milliseconds. */
export interface Plan {
  readonly text?: string;
  /** The text in pieces of one's own, which may come as late as they like; without it each word is one. */
  readonly tokens?: Iterable<string> | AsyncIterable<string>;
  /** Called instead of an answer. `arguments` is JSON text and may be broken on purpose. */
  readonly toolCall?: { readonly name: string; readonly arguments: string };
  /** Answered at once instead of anything else. */
  readonly error?: { readonly status: number; readonly message: string };
  /** Before the first token, the response's head included. */
  readonly delayMs?: number;
  /** Without it all come at once. */
  readonly tokensPerSecond?: number;
  /** Falls silent after this many tokens and keeps the connection open. */
  readonly stallAfter?: number;
  /** Cuts the connection after this many tokens. */
  readonly cutAfter?: number;
}

export type Behaviour = (request: ModelRequest) => Plan;

/** The names that a message to the stand-in model may carry as `[[name]]` or `[[name=value]]`. */
const known = new Set("nonce delay tps words say bash tool arguments error stall cut times".split(" "));

/**
 * The behaviour without a script: an answer that says who gives it, shaped by the question's directives.
 * - `nonce=abc` is repeated in the answer; requests are counted by it.
 * - `delay=2000` (ms before the first token), `tps=20` (tokens per second), `words=200` (that many numbered words more).
 * - `say=text` answers exactly this text.
 * - `bash` or `bash=command`, or `tool=name` with `arguments={…}`: calls the tool, and answers once it has the result.
 * - `error=500` (HTTP status), `stall=5` (silent after 5 tokens; 0 without value), `cut=5` (connection cut after 5).
 * - `times=2`: error, stall and cut happen only for the first 2 requests of this nonce.
 */
export const directed: Behaviour = (request) => {
  const { directives } = request;
  const unknown = [...directives.keys()].filter((name) => !known.has(name));
  if (unknown.length > 0) {
    return {
      error: { status: 400, message: `unknown directive ${unknown.join(", ")}; known: ${[...known].join(", ")}` },
    };
  }
  const number = (name: string, otherwise: number) => {
    const value = directives.get(name);
    return value === undefined || value === "" ? otherwise : Number(value);
  };
  const troubled = request.earlier < number("times", Number.POSITIVE_INFINITY);
  if (directives.has("error") && troubled) {
    return { error: { status: number("error", 500), message: "the message asked the stand-in model for this error" } };
  }
  const pace: Plan = {
    ...(directives.has("delay") ? { delayMs: number("delay", 0) } : {}),
    ...(directives.has("tps") ? { tokensPerSecond: number("tps", 20) } : {}),
    ...(directives.has("stall") && troubled ? { stallAfter: number("stall", 0) } : {}),
    ...(directives.has("cut") && troubled ? { cutAfter: number("cut", 0) } : {}),
  };
  const toolCall = wantedToolCall(request);
  if (toolCall !== undefined && request.toolResults.length === 0) return { ...pace, toolCall };
  return { ...pace, text: directives.get("say") ?? standInAnswer(request, number("words", 0)) };
};

function wantedToolCall({ directives }: ModelRequest): Plan["toolCall"] {
  const command = directives.get("bash");
  if (command !== undefined) {
    const args = { command: command || "echo the stand-in model ran a command", description: "asked for" };
    return { name: "Bash", arguments: JSON.stringify(args) };
  }
  const name = directives.get("tool");
  return name === undefined ? undefined : { name, arguments: directives.get("arguments") ?? "{}" };
}

function standInAnswer(request: ModelRequest, words: number): string {
  const asked = withoutDirectives(request.question);
  return [
    "(stand-in, no real model)",
    request.nonce === undefined ? "" : `nonce=${request.nonce}`,
    request.secretWord === undefined ? "" : `word=${request.secretWord}`,
    asked === "" ? "You asked nothing." : `You asked: ${asked.length > 120 ? `${asked.slice(0, 119)}…` : asked}`,
    ...request.toolResults.map((result) => `The tool said: ${result.trim().slice(0, 200)}`),
    Array.from({ length: words }, (_, index) => `w${index + 1}`).join(" "),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

/** What {@link directed} put into an answer. */
export function readAnswer(text: string): { readonly nonce?: string; readonly secretWord?: string } {
  const nonce = /\bnonce=(\S+)/.exec(text)?.[1];
  const secretWord = /\bword=(\S+)/.exec(text)?.[1];
  return { ...(nonce === undefined ? {} : { nonce }), ...(secretWord === undefined ? {} : { secretWord }) };
}

/** Words with the blanks behind them. */
export function tokens(text: string): string[] {
  return text.match(/\s*\S+\s*/g) ?? [];
}

/** When token `index` (from 0) is due, milliseconds after the request. */
export function dueAt(plan: Plan, index: number): number {
  const gap = plan.tokensPerSecond === undefined ? 0 : 1000 / plan.tokensPerSecond;
  return (plan.delayMs ?? 0) + index * gap;
}
