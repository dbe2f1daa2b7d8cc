/** Seeded random numbers (mulberry32): the same seed draws the same run again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, without, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number; both ends are possible. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.int(0, items.length - 1)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, place: this.next() }))
      .sort((one, other) => one.place - other.place)
      .map(({ item }) => item);
  }

  /** An independent generator, so that one part of a plan can change without changing the others. */
  fork(): Random {
    return new Random(this.int(0, 2 ** 32 - 1));
  }
}

/** Deals each item once in random order, then all of them again: every item turns up in any stretch of that length. */
export class Deck<T> {
  readonly #items: readonly T[];
  readonly #random: Random;
  #left: T[] = [];

  constructor(items: readonly T[], random: Random) {
    this.#items = items;
    this.#random = random;
  }

  deal(): T {
    if (this.#left.length === 0) this.#left = this.#random.shuffled(this.#items);
    const item = this.#left.pop();
    if (item === undefined) throw new RangeError("an empty deck");
    return item;
  }
}
