import type { ChartEdge, ChartGraph, ChartState } from "../../runtime/chart-graph.ts";
import { Nesting } from "./nesting.ts";
import { notesOf, rowsOf } from "./wording.ts";

/** The chart as a Mermaid `stateDiagram-v2`, for Markdown; the innermost of the active states are marked. */
export function toMermaid(graph: ChartGraph, active: readonly string[] = []): string {
  const [root] = graph.states;
  if (root === undefined) return "stateDiagram-v2\n";
  const title = graph.version === "" ? graph.id : `${graph.id}, version ${graph.version}`;
  const lines = new Diagram(graph).whole(root).map((line) => `  ${line}`);
  return ["---", `title: ${title}`, "---", "stateDiagram-v2", ...lines, ...marks(graph, active), ""].join("\n");
}

/** Mermaid gives a look to states that have none within them only. */
function marks({ states }: ChartGraph, active: readonly string[]): readonly string[] {
  const inner = states.filter(({ id }) => active.includes(id) && states.every(({ parent }) => parent !== id));
  if (inner.length === 0) return [];
  return ["  classDef active fill:#2da44e,color:#ffffff", ...inner.map(({ id }) => `  class ${idOf(id)} active`)];
}

class Diagram {
  readonly #graph: ChartGraph;
  readonly #nesting: Nesting;

  constructor(graph: ChartGraph) {
    this.#graph = graph;
    this.#nesting = new Nesting(graph);
  }

  /** Mermaid has no regions and no notes outside of a state: where the chart itself has any, it is drawn as a state. */
  whole(root: ChartState): readonly string[] {
    const isPlain = root.type !== "parallel" && notesOf(root, this.#graph.edges).length === 0;
    return isPlain ? this.inside(root) : this.#declaration(root);
  }

  /** Everything within a state, and the transitions whose two ends it is the nearest to hold. */
  inside(state: ChartState): readonly string[] {
    const children = this.#graph.states.filter(({ parent }) => parent === state.id);
    const initial = state.initial === undefined ? [] : [`[*] --> ${idOf(state.initial)}`];
    const transitions = this.#graph.edges
      .filter(({ from, to }) => to !== undefined && this.#nesting.common(from, to) === state.id)
      .map(transition);
    const blocks = children.map((child) => this.#declaration(child));
    if (state.type === "parallel")
      return [...blocks.flatMap((block, index) => (index === 0 ? block : ["--", ...block])), ...transitions];
    // Mermaid puts a state where it is named last: a transition into a composite state has to stand before that one.
    return [...initial, ...transitions, ...blocks.flat()];
  }

  #declaration(state: ChartState): readonly string[] {
    const id = idOf(state.id);
    const inner = this.inside(state).map((line) => `  ${line}`);
    const composite = state.type === "compound" || state.type === "parallel";
    const notes = notesOf(state, this.#graph.edges);
    return [
      composite ? `state "${state.key}" as ${id} {` : `state "${labelOf(state)}" as ${id}`,
      ...inner,
      ...(composite ? ["}"] : []),
      ...(notes.length === 0 ? [] : [`note right of ${id}`, ...notes.map((note) => `  ${note}`), "end note"]),
      ...(state.type === "final" ? [`${id} --> [*]`] : []),
    ];
  }
}

function transition(edge: ChartEdge): string {
  const text = rowsOf(edge).join(" ");
  return `${idOf(edge.from)} --> ${idOf(edge.to ?? edge.from)}${text === "" ? "" : `: ${text}`}`;
}

function labelOf({ key, history }: ChartState): string {
  return history === undefined ? key : history.depth === "deep" ? "H*" : "H";
}

/** Mermaid takes letters, digits and underscores. */
function idOf(id: string): string {
  return id.replace(/[^A-Za-z0-9]/g, "_");
}
