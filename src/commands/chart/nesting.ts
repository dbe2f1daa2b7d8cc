import type { ChartGraph } from "../../runtime/chart-graph.ts";

/** Which state is within which. */
export class Nesting {
  readonly #parents: ReadonlyMap<string, string | undefined>;

  constructor({ states }: ChartGraph) {
    this.#parents = new Map(states.map(({ id, parent }) => [id, parent]));
  }

  /** From the parent outwards. */
  around(id: string): readonly string[] {
    const parent = this.#parents.get(id);
    return parent === undefined ? [] : [parent, ...this.around(parent)];
  }

  /** The innermost state that holds both, or that is one of them and holds the other. */
  common(one: string, other: string): string | undefined {
    if (one === other) return this.#parents.get(one);
    const around = [other, ...this.around(other)];
    return [one, ...this.around(one)].find((id) => around.includes(id));
  }
}
