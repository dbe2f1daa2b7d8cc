import type { EventEmitter } from "node:events";

/** Somebody wants the demo to end. */
export class StopRequested extends Error {
  override readonly name = "StopRequested";
}

/** A terminal and npm each deliver what is one Ctrl-C: within this time they count as one, ms. */
const sameRequest = 500;

/**
 * Aborts the signal at the first request to end, and calls `endAtOnce` at the second. What it started is then ended by
 * the guards that watch over each server.
 */
export function listenForStop(source: EventEmitter, now: () => number, endAtOnce: () => void): AbortSignal {
  const stop = new AbortController();
  let since: number | undefined;
  const request = (): void => {
    if (since === undefined) {
      since = now();
      stop.abort(new StopRequested("asked to stop"));
    } else if (now() - since > sameRequest) {
      endAtOnce();
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) source.on(signal, request);
  return stop.signal;
}

/** The promise's result, unless the signal is aborted first: then rejects with its reason. */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
