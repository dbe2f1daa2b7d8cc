import type { ActorId } from "../actor-id.ts";
import { keys } from "./keys.ts";
import type { Store } from "./store.ts";

/** The events that an actor has taken, by their ids. */
export class KnownEvents {
  readonly #actor: ActorId;
  readonly #store: Pick<Store, "get">;
  /** Those that are being written down: a duplicate waits for the same commit. */
  readonly #committing = new Map<string, Promise<void>>();

  constructor(actor: ActorId, store: Pick<Store, "get">) {
    this.#actor = actor;
    this.#store = store;
  }

  /** Resolves when the event is on disk; `undefined` when it is not known. */
  find(id: string): Promise<void> | undefined {
    const seen = this.#committing.get(id);
    if (seen !== undefined) return seen;
    return this.#store.get(keys.seen(this.#actor, id)) === undefined ? undefined : Promise.resolve();
  }

  /** Knows an event while it is being written down. */
  add(id: string | undefined, durable: Promise<void>): Promise<void> {
    if (id === undefined) return durable;
    const known = durable.finally(() => {
      if (this.#committing.get(id) === known) this.#committing.delete(id);
    });
    this.#committing.set(id, known);
    return known;
  }
}
