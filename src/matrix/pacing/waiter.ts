import type { Urgency } from "../port.ts";

/** Somebody whose turn has not come yet. */
export interface Waiter {
  readonly urgency: Urgency;
  admit(): void;
  refuse(error: unknown): void;
}

/** Waits among others for its turn: whoever is admitted, refused or aborted waits no more. */
export function waitAmong(waiting: Set<Waiter>, urgency: Urgency, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const leave = (): void => {
      waiting.delete(waiter);
      signal.removeEventListener("abort", onAbort);
    };
    const waiter: Waiter = {
      urgency,
      admit() {
        leave();
        resolve();
      },
      refuse(error) {
        leave();
        reject(error);
      },
    };
    const onAbort = (): void => waiter.refuse(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    waiting.add(waiter);
  });
}
