import Elk, { type ElkExtendedEdge, type ElkNode } from "elkjs/lib/elk.bundled.js";
import type { ChartEdge, ChartGraph, ChartState } from "../../runtime/chart-graph.ts";
import { type Box, type Drawing, type Label, type Line, metrics } from "./drawing.ts";
import { Nesting } from "./nesting.ts";
import { textWidth } from "./text-width.ts";
import { notesOf, rowsOf } from "./wording.ts";

/** Finds a place for everything in a chart, by ELK's layered layout. */
export async function layOut(graph: ChartGraph): Promise<Drawing> {
  const plan = new Plan(graph);
  const result = await new Elk.default().layout(plan.elkGraph());
  return plan.drawing(result);
}

const rootOptions = {
  "elk.json.edgeCoords": "ROOT",
  "elk.json.shapeCoords": "ROOT",
  "elk.padding": "[top=16,left=16,bottom=16,right=16]",
};

/** Regions side by side in the chart's order; each is laid out by itself. */
const sideBySide = {
  "elk.algorithm": "rectpacking",
  "elk.hierarchyHandling": "SEPARATE_CHILDREN",
  "elk.aspectRatio": "1.6",
  "elk.spacing.nodeNode": "18",
};

const layered = {
  "elk.algorithm": "layered",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.direction": "DOWN",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.spacing.nodeNode": "28",
  "elk.spacing.edgeNode": "18",
  "elk.spacing.edgeEdge": "14",
  "elk.spacing.edgeLabel": "4",
  "elk.layered.spacing.nodeNodeBetweenLayers": "34",
  "elk.layered.spacing.edgeNodeBetweenLayers": "18",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "14",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.feedbackEdges": "true",
  // Transitions back to where a state was reached from point upwards, so that a chart reads from its initial state down.
  "elk.layered.cycleBreaking.strategy": "DEPTH_FIRST",
};

interface Wire {
  /** The innermost state that holds both ends. */
  readonly container: string;
  readonly elk: ElkExtendedEdge;
  readonly line: Pick<Line, "from" | "to" | "kind">;
  readonly rows: readonly string[];
}

/** The way there and back between a chart and ELK's graph. */
class Plan {
  readonly #graph: ChartGraph;
  readonly #notes: ReadonlyMap<string, readonly string[]>;
  readonly #nesting: Nesting;
  readonly #wires: ReadonlyMap<string, Wire>;

  constructor(graph: ChartGraph) {
    this.#graph = graph;
    this.#notes = new Map(graph.states.map((state) => [state.id, notesOf(state, graph.edges)]));
    this.#nesting = new Nesting(graph);
    const initials = graph.states.flatMap(({ id, initial }) =>
      initial === undefined ? [] : [initialWire(id, initial)],
    );
    const wires = [...initials, ...graph.edges.flatMap((edge, index) => edgeWire(edge, index, this.#nesting))];
    this.#wires = new Map(wires.map((wire) => [wire.elk.id, wire]));
  }

  elkGraph(): ElkNode {
    const [root] = this.#graph.states;
    return {
      id: "drawing",
      layoutOptions: rootOptions,
      children: root === undefined ? [] : [this.#elkNode(root)],
    };
  }

  drawing(result: ElkNode): Drawing {
    return {
      title: titleOf(this.#graph),
      width: Math.ceil(result.width ?? 0),
      height: Math.ceil(result.height ?? 0),
      boxes: this.#boxes(result, -1),
      lines: this.#lines(result),
    };
  }

  #elkNode(state: ChartState): ElkNode {
    const { id, type, initial } = state;
    if (type === "history") return { id, width: metrics.historySize, height: metrics.historySize };
    const notes = this.#notes.get(id) ?? [];
    const title = state.parent === undefined ? titleOf(this.#graph) : state.key;
    const textWidths = [textWidth(title, metrics.titleSize), ...notes.map((note) => textWidth(note, metrics.noteSize))];
    const width = Math.ceil(Math.max(40, ...textWidths)) + 2 * metrics.padding;
    const height = metrics.titleHeight + (notes.length === 0 ? 0 : notes.length * metrics.rowHeight + 8);
    const inner = this.#graph.states.filter(({ parent }) => parent === id).map((child) => this.#elkNode(child));
    if (inner.length === 0) return { id, width, height };
    // ELK keeps no minimum size of a node with children within a larger layout: its padding has to make room for the text.
    const widest = Math.max(...inner.map((child) => child.width ?? width));
    const side = Math.max(18, (width - widest) / 2);
    return {
      id,
      layoutOptions: {
        ...(this.#isSideBySide(state) ? sideBySide : layered),
        "elk.padding": `[top=${height + 14},left=${side},bottom=18,right=${side}]`,
      },
      children: initial === undefined ? inner : [initialNode(id), ...inner],
      edges: [...this.#wires.values()].filter(({ container }) => container === id).map(({ elk }) => elk),
    };
  }

  /** True for a parallel state whose regions no transition enters, leaves or connects. */
  #isSideBySide({ id, type }: ChartState): boolean {
    const regionOf = (state: string): string | undefined => {
      const around = [state, ...this.#nesting.around(state)];
      return around[around.indexOf(id) - 1];
    };
    return type === "parallel" && this.#graph.edges.every(({ from, to = from }) => regionOf(from) === regionOf(to));
  }

  #boxes(node: ElkNode, depth: number): readonly Box[] {
    const state = this.#graph.states.find(({ id }) => id === node.id);
    const own: readonly Box[] =
      state === undefined
        ? []
        : [
            {
              id: state.id,
              type: state.type,
              x: node.x ?? 0,
              y: node.y ?? 0,
              width: node.width ?? 0,
              height: node.height ?? 0,
              title: state.parent === undefined ? titleOf(this.#graph) : state.key,
              notes: this.#notes.get(state.id) ?? [],
              depth,
            },
          ];
    return [...own, ...(node.children ?? []).flatMap((child) => this.#boxes(child, depth + 1))];
  }

  #lines(node: ElkNode): readonly Line[] {
    const own = (node.edges ?? []).flatMap((edge) => this.#line(edge));
    return [...own, ...(node.children ?? []).flatMap((child) => this.#lines(child))];
  }

  #line({ id, sections, labels }: ElkExtendedEdge): readonly Line[] {
    const wire = this.#wires.get(id);
    const section = sections?.[0];
    if (wire === undefined || section === undefined) return [];
    const placed = labels?.[0];
    const label: Label | undefined =
      placed === undefined
        ? undefined
        : {
            x: placed.x ?? 0,
            y: placed.y ?? 0,
            width: placed.width ?? 0,
            height: placed.height ?? 0,
            rows: wire.rows,
          };
    const points = [section.startPoint, ...(section.bendPoints ?? []), section.endPoint];
    return [{ ...wire.line, points, ...(label !== undefined && { label }) }];
  }
}

function titleOf({ id, version }: ChartGraph): string {
  return version === "" ? id : `${id} · version ${version}`;
}

function initialNode(parent: string): ElkNode {
  return {
    id: `${parent}:initial`,
    width: metrics.dot,
    height: metrics.dot,
    layoutOptions: { "elk.layered.layering.layerConstraint": "FIRST" },
  };
}

function initialWire(parent: string, initial: string): Wire {
  return {
    container: parent,
    elk: { id: `${parent}:begins`, sources: [`${parent}:initial`], targets: [initial] },
    line: { from: parent, to: initial, kind: "initial" },
    rows: [],
  };
}

function edgeWire(edge: ChartEdge, index: number, nesting: Nesting): readonly Wire[] {
  const { from, to, kind } = edge;
  const container = to === undefined ? undefined : nesting.common(from, to);
  if (to === undefined || container === undefined) return [];
  const rows = rowsOf(edge);
  const width = Math.ceil(Math.max(...rows.map((row) => textWidth(row, metrics.labelSize)))) + 8;
  const labels =
    rows.length === 0 ? [] : [{ id: `label${index}`, text: rows.join("\n"), width, height: rows.length * 14 + 4 }];
  return [
    { container, elk: { id: `edge${index}`, sources: [from], targets: [to], labels }, line: { from, to, kind }, rows },
  ];
}
