import type { ChartEdge, ChartState } from "../../runtime/chart-graph.ts";

/** What a drawing says of a state's own: its effects, and the transitions that do not leave it. */
export function notesOf({ id, invokes, entry, exit }: ChartState, edges: readonly ChartEdge[]): readonly string[] {
  return [
    ...invokes.map(({ src }) => `invoke ${src}`),
    ...(entry.length === 0 ? [] : [`entry / ${entry.join(", ")}`]),
    ...(exit.length === 0 ? [] : [`exit / ${exit.join(", ")}`]),
    ...edges.filter(({ from, to }) => from === id && to === undefined).map((edge) => rowsOf(edge).join(" ")),
  ];
}

/** What it says of a transition: trigger, guard and actions, a row each. */
export function rowsOf({ label, guard, actions }: ChartEdge): readonly string[] {
  return [
    ...(label === "" ? [] : [label]),
    ...(guard === undefined ? [] : [`[${guard}]`]),
    ...(actions.length === 0 ? [] : [`/ ${actions.join(", ")}`]),
  ];
}
