import type { Item } from "./rows.ts";

/** What an actor is to take later, in order. */
export class HeldItems {
  #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(...items: readonly Item[]): void {
    this.#items.push(...items);
  }

  /** Before all others. */
  addFirst(item: Item): void {
    this.#items.unshift(item);
  }

  /** Gives all of them, and holds none any more. */
  takeAll(): readonly Item[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }
}
