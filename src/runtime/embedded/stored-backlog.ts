import { z } from "zod";
import type { ActorId } from "../actor-id.ts";
import type { Backlog, Delivery, Waiting } from "../backlog.ts";
import type { ActorEvent } from "../record.ts";
import { actorOfKey, keys, ranges, tailOfKey } from "./keys.ts";
import { del, put, type Store } from "./store.ts";

const row = z.object({
  event: z.custom<ActorEvent>((value) => typeof Reflect.get(Object(value), "type") === "string"),
  id: z.string(),
});

/** The backlog in a store of its own range of keys. The store may be closed and opened again meanwhile. */
export class StoredBacklog implements Backlog {
  readonly #store: { readonly current: Store };
  /** Of the store that is open: counted once, and kept current. */
  #counted: { readonly store: Store; readonly counts: Promise<Map<ActorId, number>> } | undefined;
  #sequence = 0;

  constructor(store: { readonly current: Store }) {
    this.#store = store;
  }

  counts(): Promise<Map<ActorId, number>> {
    const store = this.#store.current;
    if (this.#counted?.store === store) return this.#counted.counts;
    const counts = this.#count(store);
    const counted = { store, counts };
    this.#counted = counted;
    counts.catch(() => {
      if (this.#counted === counted) this.#counted = undefined;
    });
    return counts;
  }

  async #count(store: Store): Promise<Map<ActorId, number>> {
    const counts = new Map<ActorId, number>();
    for await (const [key] of store.scan(ranges.backlog)) {
      const actor = actorOfKey(key);
      counts.set(actor, (counts.get(actor) ?? 0) + 1);
      this.#sequence = Math.max(this.#sequence, Number(tailOfKey(key)));
    }
    return counts;
  }

  async add(actor: ActorId, deliveries: readonly Delivery[]): Promise<void> {
    const counts = await this.counts();
    // Counted before it is durable: whoever comes next is to wait behind it.
    counts.set(actor, (counts.get(actor) ?? 0) + deliveries.length);
    const writes = deliveries.map(({ event, id }) => put(keys.backlog(actor, ++this.#sequence), { event, id }));
    await this.#store.current.commit(writes);
  }

  async first(actor: ActorId): Promise<Waiting | undefined> {
    for await (const waiting of this.#of(actor)) return waiting;
    return undefined;
  }

  async among(actor: ActorId, ids: ReadonlySet<string>): Promise<readonly Waiting[]> {
    const found: Waiting[] = [];
    for await (const waiting of this.#of(actor)) if (ids.has(waiting.id)) found.push(waiting);
    return found;
  }

  async replace(key: string, { event, id }: Delivery): Promise<void> {
    await this.#store.current.commit([put(key, { event, id })]);
  }

  async *#of(actor: ActorId): AsyncIterable<Waiting> {
    for await (const [key, value] of this.#store.current.scan(keys.ofActor(ranges.backlog, actor)))
      yield { key, ...row.parse(JSON.parse(value)) };
  }

  async remove(actor: ActorId, key: string): Promise<void> {
    // First: what is counted for the first time now has it still.
    const counts = await this.counts();
    await this.#store.current.commit([del(key)]);
    const left = (counts.get(actor) ?? 1) - 1;
    if (left > 0) counts.set(actor, left);
    else counts.delete(actor);
  }

  async clear(actor: ActorId): Promise<void> {
    const found: string[] = [];
    for await (const [key] of this.#store.current.scan(keys.ofActor(ranges.backlog, actor))) found.push(key);
    await this.#store.current.commit(found.map(del));
    (await this.counts()).delete(actor);
  }
}
