import type { Failure } from "../runtime/failure.ts";
import { shortened } from "../runtime/jitter.ts";

/** What an actor waits for, as `status` shows it. */
export interface Wait {
  readonly reason: string;
  /** What a person could do about it; left out where waiting is all there is to do. */
  readonly remedy?: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Failed tries in a row, and what decides how to go on. */
export interface Trouble {
  /** The kind of the last failure. */
  readonly kind: string;
  readonly tries: number;
  /** How many of them, the last ones, were of this kind. */
  readonly repeats: number;
  readonly retryAfterMs: number;
  readonly wait: Wait;
}

/** In a row, before a sync cursor is given up. */
const mostCursorRefusals = 3;

/** Once may be a mistake, and to find without a cursor what was missed is dear. */
export function isCursorRefused(trouble: Trouble | undefined): boolean {
  return trouble?.kind === "cursor" && trouble.repeats >= mostCursorRefusals;
}

/** When the host stamped the event, ms since the epoch. */
export function timeOf(event: object): number {
  const at: unknown = Reflect.get(event, "at");
  return typeof at === "number" ? at : 0;
}

/** The failure an `xstate.error.actor.*` event carries. */
export function failureOf(event: { readonly error: unknown }): Failure {
  const { error } = event;
  return isFailure(error) ? error : { name: "Error", message: String(error) };
}

/** The wait that begins, or goes on, with a failed try. */
export function waitFor(event: { readonly error: unknown }, previous: Wait | undefined): Wait {
  const { message, remedy, cause } = failureOf(event);
  return {
    reason: cause === undefined || message.includes(cause.message) ? message : `${message} (${cause.message})`,
    ...(remedy !== undefined && { remedy }),
    since: previous?.since ?? timeOf(event),
  };
}

/** The trouble that begins, or goes on, with a failed try. */
export function troubleWith(event: { readonly error: unknown }, previous: Trouble | undefined): Trouble {
  const { kind = "", retryAfterMs = 0 } = failureOf(event);
  const alike = previous?.kind === kind ? previous : undefined;
  const repeats = (alike?.repeats ?? 0) + 1;
  return { kind, tries: (previous?.tries ?? 0) + 1, repeats, retryAfterMs, wait: waitFor(event, previous?.wait) };
}

const firstBackoff = 1_000;
const longestBackoff = 60_000;

/** What a server asks beyond this is not waited for: it may be a mistake, and nobody would notice until years later. */
const longestAsked = 3_600_000;

/**
 * The wait before try number `tries` + 1, ms: doubles up to a minute, and is never shorter than what the server asked, up
 * to an hour, also after the runtime's jitter.
 */
export function backoff(tries: number, retryAfterMs = 0): number {
  const doubled = firstBackoff * 2 ** Math.min(Math.max(0, tries - 1), 6);
  const asked = Number.isNaN(retryAfterMs) ? 0 : Math.min(longestAsked, retryAfterMs);
  return Math.max(Math.ceil(asked / shortened), Math.min(longestBackoff, doubled));
}

function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "message" in value && typeof value.message === "string";
}
