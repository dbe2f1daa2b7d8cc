/** Which agents wait for which: who waits for one that waits for itself would wait for ever. */
export class Waits {
  readonly #waiting = new Map<string, string[]>();

  /** Notes that `from` waits for `to`; gives what ends that. Throws {@link Deadlock}. */
  begin(from: string, to: string): () => void {
    if (from === to || this.#reaches(to, from)) throw new Deadlock();
    const all = this.#waiting.get(from) ?? [];
    this.#waiting.set(from, all);
    all.push(to);
    return () => {
      all.splice(all.indexOf(to), 1);
      if (all.length === 0) this.#waiting.delete(from);
    };
  }

  #reaches(from: string, to: string, seen = new Set<string>()): boolean {
    if (seen.has(from)) return false;
    seen.add(from);
    return (this.#waiting.get(from) ?? []).some((next) => next === to || this.#reaches(next, to, seen));
  }
}

/** Nobody has asked anything. */
export class Deadlock extends Error {
  override readonly name = "Deadlock";
  override readonly message = "that agent waits for an answer of this one already";
  readonly remedy = "Ask without waiting, or answer it first.";
}
