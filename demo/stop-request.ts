/** Somebody wants the demo to end. */
export class StopRequested extends Error {
  override readonly name = "StopRequested";
}

/** A terminal and npm each deliver what is one Ctrl-C: within this time they count as one, ms. */
const sameRequest = 500;

/** This process, as far as others ask it to end. */
export interface Stoppable {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  readonly ppid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Aborts the signal at the first request to end, and calls `endAtOnce` at the second. What was started is then ended by
 * the guards that watch over each server.
 */
export function listenForStop(process: Stoppable, now: () => number, endAtOnce: () => void): AbortSignal {
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
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, request);
  // npm passes a signal on to its shell only, and the shell ends without telling us.
  if (process.env["npm_lifecycle_event"] !== undefined)
    onOrphaned(process, () => stop.abort(new StopRequested("npm has ended")));
  return stop.signal;
}

const orphanCheckMs = 300;

function onOrphaned(process: Pick<Stoppable, "ppid">, run: () => void): void {
  const parent = process.ppid;
  const check = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(check);
    run();
  }, orphanCheckMs);
  check.unref();
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
