import { writeFile } from "node:fs/promises";
import { type ChartFormat, renderChart } from "../commands/chart/render.ts";
import type { Console } from "./console.ts";
import { explain } from "./console.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";

export interface ChartOptions {
  readonly format: ChartFormat;
  readonly out?: string | undefined;
}

/** Draws a chart of this very version, to a file or to the terminal. */
export async function showChart(name: string, { format, out }: ChartOptions, console: Console): Promise<ExitCode> {
  try {
    const drawing = await renderChart(name, format);
    if (out === undefined) console.out(drawing);
    else await writeFile(out, drawing);
    return exitCode.ok;
  } catch (error) {
    console.err(`${explain(error)}\n`);
    return exitCode.failed;
  }
}
