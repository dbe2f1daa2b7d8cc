/** Who waits for something to happen that concerns a user. */
export class Waiting {
  readonly #waiting = new Map<string, Set<() => void>>();

  wake(userIds: Iterable<string>): void {
    for (const userId of userIds) {
      const all = this.#waiting.get(userId) ?? [];
      this.#waiting.delete(userId);
      for (const wake of all) wake();
    }
  }

  /** Resolves when something happened, after `ms`, or when nobody waits any more. */
  until(userId: string, ms: number, gone: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(userId) ?? new Set();
      this.#waiting.set(userId, waiting);
      const end = (): void => {
        clearTimeout(timer);
        gone.removeEventListener("abort", end);
        waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, Math.max(0, ms));
      gone.addEventListener("abort", end);
      waiting.add(end);
    });
  }
}
