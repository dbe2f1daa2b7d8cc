import type { Item } from "./rows.ts";

/** What an actor is to take later, in order; an event of one id once. */
export class HeldItems {
  #items: Item[] = [];
  readonly #ids = new Set<string>();

  get size(): number {
    return this.#items.length;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(...items: readonly Item[]): void {
    for (const { id } of items) if (id !== undefined) this.#ids.add(id);
    this.#items.push(...items);
  }

  /** Before all others. */
  addFirst(item: Item): void {
    if (item.id !== undefined) this.#ids.add(item.id);
    this.#items.unshift(item);
  }

  /** Gives all of them, and holds none any more. */
  takeAll(): readonly Item[] {
    const items = this.#items;
    this.#items = [];
    this.#ids.clear();
    return items;
  }
}
