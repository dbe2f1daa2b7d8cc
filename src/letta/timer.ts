/** Runs `expired` once after `ms`, unless the returned function is called before. */
export type StartTimer = (ms: number, expired: () => void) => () => void;

export const startTimer: StartTimer = (ms, expired) => {
  const timer = setTimeout(expired, ms);
  return () => clearTimeout(timer);
};

/** Resolves after `ms`; rejects with the signal's reason when it is aborted before. */
export function sleep(timer: StartTimer, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const cancel = timer(ms, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    const onAbort = () => {
      cancel();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
