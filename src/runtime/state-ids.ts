import type { StateValue } from "xstate";

/** The ids of the states that a value names, each before those within it; of charts that give no state another id. */
export function stateIds(root: string, value: StateValue): readonly string[] {
  if (typeof value === "string") return [`${root}.${value}`];
  return Object.entries(value).flatMap(([state, inner]) => {
    const id = `${root}.${state}`;
    return inner === undefined ? [id] : [id, ...stateIds(id, inner)];
  });
}
