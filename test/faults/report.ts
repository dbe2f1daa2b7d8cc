import { join } from "node:path";
import type { CellResult } from "./cell.ts";
import { faultNames } from "./fault-names.ts";
import { impossible, nameOf, phaseNames, reasonAgainst } from "./matrix.ts";

/** The fault table, as the run prints it and as docs/reliability.md has it. */

export const reliabilityFile = join(import.meta.dirname, "..", "..", "docs", "reliability.md");

/** How a cell ended, in a word. */
export function verdictOf({ problems, outcome }: CellResult): string {
  if (problems.length > 0) return "BROKEN";
  return outcome === "error" ? "plain error" : "answer";
}

/** One row for each fault, one column for each phase; `-` could not be, a blank was not run. */
export function rowsOf(results: readonly CellResult[]): string[][] {
  const verdicts = new Map(results.map((result) => [nameOf(result.cell), verdictOf(result)]));
  return faultNames.map((fault) => [
    fault,
    ...phaseNames.map((phase) =>
      reasonAgainst({ phase, fault }) === undefined ? (verdicts.get(nameOf({ phase, fault })) ?? "") : "-",
    ),
  ]);
}

/** For a terminal. */
export function tableOf(results: readonly CellResult[]): string {
  const rows = [["", ...phaseNames], ...rowsOf(results)];
  const widths = ["", ...phaseNames].map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** From here on the page is written by hand. */
const byHand = "\n<!-- By hand from here on. -->\n";

/** The run that a page is written by. */
export interface WrittenBy {
  readonly at: Date;
  readonly seed: number;
}

/** docs/reliability.md, from a run of all cells and the page as it stands. */
export function reliability(results: readonly CellResult[], page: string, { at, seed }: WrittenBy): string {
  const [, kept = ""] = page.split(byHand);
  const rows = rowsOf(results);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return `# What goes wrong, and what people see then

<!-- Written by \`npm run test:faults -- --all --write\`: change it there. -->

Between letta-matrix and its servers stands a proxy (\`test/faults/\`) that spoils what passes: before a real Synapse, and
before a stand-in of Letta's App Server (WebSocket) and of its REST API. Each cell of this table is a run with an agent of
its own. The fault happens one to three times in a row, to a request of that agent, while its chart is seen to be in that
phase. Then nobody helps. The cell holds when each question has got exactly one final, in the right place and order, which
is the agent's own; no draft is left hanging; Letta was asked no more often than it lost a turn; the agent has one user, one
session and one room; and the next question is answered as if nothing had been.

- **answer**: the question has its answer.
- **plain error**: the person was told in one message what went wrong and what to do. Only a Letta that says no comes to that.
- **-**: cannot be; the reasons are below.

${line(["", ...phaseNames])}
${line(["---", ...phaseNames.map(() => "---")])}
${rows.map(line).join("\n")}

All ${results.length} outcomes are of one run, which ended on ${at.toISOString().slice(0, 10)}: \`--all --seed ${seed}\`.

"Refused for minutes" takes four minutes of the program's time, which runs 60 times as fast in these tests. Over a WebSocket,
a status of HTTP is what the next connection is answered with after the present one broke.

## What cannot be

${impossible.map(({ phases, faults, reason }) => `- ${faults.join(", ")} × ${phases.join(", ")}: ${reason}`).join("\n")}
${byHand}${kept}`;
}
