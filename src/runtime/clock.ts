/** Time, injected. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since some moment, for how long something took: it goes on evenly while somebody sets the time. */
  elapsed(): number;
  /** Calls `run` once, `delay` milliseconds from now (any length), unless cancelled before. */
  schedule(delay: number, run: () => void): Cancel;
}

export type Cancel = () => void;

/** The longest delay that a Node timer takes; longer ones would fire at once. */
const longestTimeout = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  schedule(delay, run) {
    let timer: NodeJS.Timeout;
    const arm = (remaining: number): void => {
      timer =
        remaining > longestTimeout
          ? setTimeout(() => arm(remaining - longestTimeout), longestTimeout)
          : setTimeout(run, Math.max(0, remaining));
    };
    arm(delay);
    return () => clearTimeout(timer);
  },
};

/**
 * Milliseconds until `due`, which was settled at `asOf` or before, both since the epoch. Where the clock was set back since
 * then nobody waits until it has come round again.
 */
export function untilDue(clock: Pick<Clock, "now">, due: number, asOf: number): number {
  return Math.max(0, due - Math.max(asOf, clock.now()));
}

/** Resolves after `delay` milliseconds; rejects with the signal's reason when it is aborted before. */
export function sleep(clock: Clock, delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const cancel = clock.schedule(delay, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    const onAbort = (): void => {
      cancel();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
