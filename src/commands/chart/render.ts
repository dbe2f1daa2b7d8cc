import { machines } from "../../machines/index.ts";
import { chartGraph } from "../../runtime/chart-graph.ts";
import { toMermaid } from "./mermaid.ts";

export const chartFormats = ["mermaid", "json", "svg"] as const;
export type ChartFormat = (typeof chartFormats)[number];

export const chartNames: readonly string[] = Object.keys(machines);

/** There is no chart of that name. */
export class UnknownChart extends Error {
  override readonly name = "UnknownChart";
  readonly remedy = `There are ${chartNames.join(", ")}.`;

  constructor(chart: string) {
    super(`there is no chart "${chart}"`);
  }
}

/** A chart of this version as a Mermaid diagram that marks some of its states. Throws {@link UnknownChart}. */
export function renderActive(name: string, active: readonly string[]): string {
  const machine = machines[name];
  if (machine === undefined) throw new UnknownChart(name);
  return toMermaid(chartGraph(machine), active);
}

/** A chart of this version, as text of that format. Throws {@link UnknownChart}. */
export async function renderChart(name: string, format: ChartFormat): Promise<string> {
  const machine = machines[name];
  if (machine === undefined) throw new UnknownChart(name);
  const graph = chartGraph(machine);
  switch (format) {
    case "mermaid":
      return toMermaid(graph);
    case "json":
      return `${JSON.stringify(graph, null, 2)}\n`;
    case "svg": {
      // ELK is large; nothing else needs it.
      const [{ layOut }, { toSvg }] = await Promise.all([import("./layout.ts"), import("./svg.ts")]);
      return toSvg(await layOut(graph));
    }
  }
}
