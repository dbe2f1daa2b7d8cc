import type { ActorId } from "../actor-id.ts";
import type { Clock } from "../clock.ts";
import { type AskOptions, NoReply } from "../host.ts";
import type { Reply } from "../step.ts";

/** The callers that wait in this process for an answer. */
export class Replies {
  readonly #clock: Clock;
  /** Tells this process from earlier ones: a late answer to one of their callers must not reach one of ours. */
  readonly #process: number;
  readonly #waiting = new Map<string, PromiseWithResolvers<unknown>>();
  #asked = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#process = clock.now();
  }

  /** Resolves with the answer to what `send` sends. Rejects with {@link NoReply}, or as `send` or the signal does. */
  async wait(to: ActorId, { timeout, signal }: AskOptions, send: (replyTo: string) => Promise<void>): Promise<unknown> {
    signal?.throwIfAborted();
    const replyTo = `ask-${this.#process}-${++this.#asked}`;
    const waiting = Promise.withResolvers<unknown>();
    // It may reject before anybody looks: while the event is still on its way to the disk.
    waiting.promise.catch(() => undefined);
    const cancel = this.#clock.schedule(timeout, () =>
      waiting.reject(new NoReply(`${to} did not answer within ${timeout} ms`)),
    );
    const onAbort = (): void => waiting.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    this.#waiting.set(replyTo, waiting);
    try {
      await send(replyTo);
      return await waiting.promise;
    } finally {
      cancel();
      signal?.removeEventListener("abort", onAbort);
      this.#waiting.delete(replyTo);
    }
  }

  give({ to, value }: Reply): void {
    this.#waiting.get(to)?.resolve(value);
  }

  /** Nobody answers any more. */
  close(): void {
    for (const { reject } of this.#waiting.values()) reject(new NoReply("the host stopped before the answer came"));
  }
}
