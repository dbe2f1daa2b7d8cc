import type { StartTimer } from "../timer.ts";

/** Thrown by {@link EventQueue.next} when nothing was heard for too long. */
export class Quiet extends Error {
  override readonly name = "Quiet";
}

/** Hands items from the socket's callbacks to one reader, and notices when there is nothing to hear for too long. */
export class EventQueue<T> {
  readonly #startTimer: StartTimer;
  readonly #items: T[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #rearm: (() => void) | undefined;

  constructor(startTimer: StartTimer) {
    this.#startTimer = startTimer;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** The reader gets what is in the queue, then this error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  /** Something was heard that is no item: the quiet begins anew. */
  touch(): void {
    this.#rearm?.();
  }

  async next(quietMs: number, signal: AbortSignal): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      const item = this.#items.shift();
      if (item !== undefined) return item;
      if (this.#failure !== undefined) throw this.#failure;
      await this.#wait(quietMs, signal);
    }
  }

  #wait(quietMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let cancel = () => {};
      const done = () => {
        cancel();
        signal.removeEventListener("abort", wake);
        this.#wake = undefined;
        this.#rearm = undefined;
      };
      const wake = () => {
        done();
        resolve();
      };
      const arm = () => {
        cancel();
        cancel = this.#startTimer(quietMs, () => {
          done();
          reject(new Quiet(`nothing was heard for ${quietMs} ms`));
        });
      };
      this.#wake = wake;
      this.#rearm = arm;
      signal.addEventListener("abort", wake, { once: true });
      arm();
    });
  }
}
