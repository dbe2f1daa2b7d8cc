import type { Cancel, Clock } from "../../runtime/clock.ts";

/** Which question is being answered, and by which agent. */
export interface Asked {
  readonly agentId: string;
  readonly eventId: string;
}

type Listener = (text: string) => void;

/** Whoever listens hears of a growing answer at most so often, ms. */
const interval = 200;

/** Lets others watch an answer while it is written. Nothing of it is kept, and it costs nothing while nobody listens. */
export class GrowingAnswers {
  readonly #clock: Pick<Clock, "schedule">;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #pending = new Map<string, { text: () => string; readonly cancel: Cancel }>();

  constructor(clock: Pick<Clock, "schedule">) {
    this.#clock = clock;
  }

  /** There is more of it; `text` gives what there is. */
  publish(asked: Asked, text: () => string): void {
    const key = keyOf(asked);
    if (!this.#listeners.has(key)) return;
    const pending = this.#pending.get(key);
    if (pending === undefined) this.#pending.set(key, { text, cancel: this.#later(key) });
    else pending.text = text;
  }

  /** Gives back how to stop listening. */
  listen(asked: Asked, listener: Listener): () => void {
    const key = keyOf(asked);
    const all = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, all.add(listener));
    return () => {
      all.delete(listener);
      if (all.size > 0) return;
      this.#listeners.delete(key);
      this.#pending.get(key)?.cancel();
      this.#pending.delete(key);
    };
  }

  #later(key: string): Cancel {
    return this.#clock.schedule(interval, () => {
      const text = this.#pending.get(key)?.text() ?? "";
      this.#pending.delete(key);
      if (text !== "") for (const listener of this.#listeners.get(key) ?? []) listener(text);
    });
  }
}

function keyOf({ agentId, eventId }: Asked): string {
  return `${agentId} ${eventId}`;
}
