import type { Failure } from "../runtime/failure.ts";

/** What an actor waits for, as `status` shows it. */
export interface Wait {
  readonly reason: string;
  /** What a person could do about it; left out where waiting is all there is to do. */
  readonly remedy?: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
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

const firstBackoff = 1_000;
const longestBackoff = 60_000;

/** The wait before try number `tries` + 1, ms: doubles up to a minute, and is never shorter than what the server asked. */
export function backoff(tries: number, retryAfterMs = 0): number {
  return Math.max(retryAfterMs, Math.min(longestBackoff, firstBackoff * 2 ** Math.min(Math.max(0, tries - 1), 6)));
}

function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "message" in value && typeof value.message === "string";
}
