import { machines } from "../../src/machines/index.ts";
import { chartGraph } from "../../src/runtime/chart-graph.ts";

/** Leaves of the chart that an actor can rest in; those that it only passes through are left out. */
export function restingStates(name: keyof typeof machines): string[] {
  const { states, edges } = chartGraph(machines[name] as (typeof machines)[string]);
  const always = new Set(
    edges.filter(({ kind, guard }) => kind === "always" && guard === undefined).map(({ from }) => from),
  );
  const parents = new Set(states.map(({ parent }) => parent));
  return states
    .filter(({ id, type }) => !parents.has(id) && type !== "history" && type !== "final" && !always.has(id))
    .map(({ id }) => id.slice(name.length + 1))
    .toSorted();
}
