import type { ActorId } from "../actor-id.ts";
import type { CrashReport } from "../crash.ts";
import type { DeadLetters } from "../dead-letter.ts";
import type { AcceptOptions, AskOptions, Health, Host, Transition } from "../host.ts";
import type { JournalLine } from "../journal.ts";
import type { ActorEvent, ActorRecord } from "../record.ts";
import type { EmbeddedHost } from "./host.ts";
import type { ReopeningStore, Tenant } from "./reopening-store.ts";
import type { Store } from "./store.ts";

/** How long the effects of actors whose store has failed may take to end, ms. */
const shutdown = 5_000;

/**
 * Actors that outlive a failure of their store: what they know beyond it is forgotten, and they begin again from their
 * records when it is open again, as after a crash of the process. Until then all that is asked of them is refused with
 * StoreUnavailable, which says what to do.
 */
export class ReopeningHost implements Host, Tenant {
  readonly #store: ReopeningStore;
  readonly #make: (store: Store) => EmbeddedHost;
  /** How to end each subscription at the present host. */
  readonly #listeners = new Map<(transition: Transition) => void, () => void>();
  #present: EmbeddedHost;
  #stopped = false;

  constructor(store: ReopeningStore, make: (store: Store) => EmbeddedHost) {
    this.#store = store;
    this.#make = make;
    this.#present = make(store.current);
    store.letTo(this);
  }

  start(): Promise<void> {
    return this.#host.start();
  }

  async begin(store: Store): Promise<void> {
    if (this.#stopped) return;
    this.#present = this.#make(store);
    for (const listener of this.#listeners.keys()) this.subscribe(listener);
    await this.#present.start();
    if (this.#stopped) await this.#present.drain(shutdown);
  }

  async end(): Promise<void> {
    // What it would write down at the end is what could not be written.
    await this.#present.drain(shutdown).catch(() => undefined);
  }

  async accept(to: ActorId, event: ActorEvent, options?: AcceptOptions): Promise<void> {
    await this.#host.accept(to, event, options);
  }

  async ask(to: ActorId, event: ActorEvent, options: AskOptions): Promise<unknown> {
    return this.#host.ask(to, event, options);
  }

  read(id: ActorId): ActorRecord | undefined {
    return this.#host.read(id);
  }

  async *list(realm: string, machine: string, ...key: readonly string[]): AsyncIterable<ActorRecord> {
    yield* this.#host.list(realm, machine, ...key);
  }

  async journal(id: ActorId): Promise<readonly JournalLine[]> {
    return this.#host.journal(id);
  }

  async crashes(id: ActorId): Promise<readonly CrashReport[]> {
    return this.#host.crashes(id);
  }

  health(id: ActorId): Health {
    return this.#host.health(id);
  }

  /** None while the store is closed: all begin anew when it is open again. */
  quarantined(): readonly ActorId[] {
    return this.#store.unavailable === undefined ? this.#present.quarantined() : [];
  }

  async release(id: ActorId): Promise<boolean> {
    return this.#host.release(id);
  }

  async restart(id: ActorId): Promise<boolean> {
    return this.#host.restart(id);
  }

  get deadLetters(): DeadLetters {
    return this.#host.deadLetters;
  }

  subscribe(listener: (transition: Transition) => void): () => void {
    this.#listeners.set(listener, this.#present.subscribe(listener));
    return () => {
      this.#listeners.get(listener)?.();
      this.#listeners.delete(listener);
    };
  }

  async drain(deadline: number): Promise<void> {
    this.#stopped = true;
    const drained = this.#present.drain(deadline);
    await (this.#store.unavailable === undefined ? drained : drained.catch(() => undefined));
  }

  get #host(): EmbeddedHost {
    if (this.#store.unavailable !== undefined) throw this.#store.unavailable;
    return this.#present;
  }
}
