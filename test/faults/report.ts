import { join } from "node:path";
import type { HomeserverKind } from "../crash/homeservers.ts";
import type { TransportKind } from "../servers/transports.ts";
import type { CellResult } from "./cell.ts";
import { type FaultName, faultNames } from "./fault-names.ts";
import { cellsOf, impossible, nameOf, type PhaseName, phaseNames, phasesOf, reasonAgainst } from "./matrix.ts";

/** The fault table, as the run prints it and as docs/reliability.md has it. */

export const reliabilityFile = join(import.meta.dirname, "..", "..", "docs", "reliability.md");

/** How a cell ended, in a word. */
export function verdictOf({ problems, outcome }: CellResult): string {
  if (problems.length > 0) return "BROKEN";
  return outcome === "error" ? "plain error" : "answer";
}

/** Those that can happen in some phase of the transport, in the order in which the table shows them. */
export function faultsOf(transport: TransportKind): readonly FaultName[] {
  const all = new Set(cellsOf(transport).map(({ fault }) => fault));
  return faultNames.filter((fault) => all.has(fault));
}

/** One row for each fault, one column for each phase; `-` could not be, a blank was not run. */
export function rowsOf(results: readonly CellResult[], transport: TransportKind): string[][] {
  const verdicts = new Map(results.map((result) => [nameOf(result.cell), verdictOf(result)]));
  return faultsOf(transport).map((fault) => [
    fault,
    ...phasesOf(transport).map((phase) =>
      reasonAgainst({ phase, fault }) === undefined ? (verdicts.get(nameOf({ phase, fault })) ?? "") : "-",
    ),
  ]);
}

/** For a terminal. */
export function tableOf(results: readonly CellResult[], transport: TransportKind): string {
  const rows = [["", ...phasesOf(transport)], ...rowsOf(results, transport)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
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
  readonly transport: TransportKind;
  readonly homeserver: HomeserverKind;
}

/** All but a few are named by those few. */
function namesOf(phases: readonly PhaseName[]): string {
  const others = phaseNames.filter((phase) => !phases.includes(phase));
  return others.length > 3 ? phases.join(", ") : `all but ${others.join(", ")}`;
}

/** The part of the page that is one transport's table, without what marks it. */
export function tableIn(page: string, transport: TransportKind): string {
  const [, rest = ""] = page.split(`<!-- Table: ${transport} -->\n`);
  return rest.split("\n<!-- End of the table -->")[0] ?? "";
}

/** The transport's table, from a run of all its cells. */
function written(results: readonly CellResult[], { at, seed, transport, homeserver }: WrittenBy): string {
  const phases = phasesOf(transport);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const command = `--all --transport ${transport} --homeserver ${homeserver} --seed ${seed}`;
  return `${line(["", ...phases])}
${line(["---", ...phases.map(() => "---")])}
${rowsOf(results, transport).map(line).join("\n")}

All ${results.length} outcomes are of one run, which ended on ${at.toISOString().slice(0, 10)}: \`${command}\`.`;
}

const appserviceHead = `## As an application service

A *transaction* is pushed by the homeserver; an agent *looks* back where that may have been lost; by the *ping* the homeserver
is asked to reach us. Synapse itself waits a minute for a transaction to be taken: here the proxy gives up after three seconds.`;

/** docs/reliability.md, from a run of all cells of a transport and the page as it stands. */
export function reliability(results: readonly CellResult[], page: string, by: WrittenBy): string {
  const [, kept = ""] = page.split(byHand);
  const table = (transport: TransportKind, head: string): string => {
    const own = transport === by.transport ? written(results, by) : tableIn(page, transport);
    if (own === "") return "";
    return `${head}

<!-- Table: ${transport} -->
${own}
<!-- End of the table -->

`;
  };
  return `# What goes wrong, and what people see then

<!-- Written by \`npm run test:faults -- --all --write\`, with \`--transport\`: change it there. -->

Between letta-matrix and its servers stands a proxy (\`test/faults/\`) that spoils what passes: before a real Synapse (or the
stand-in of a homeserver, where the run that a table is of says so), before a stand-in of Letta's App Server (WebSocket) and
of its REST API, and where the homeserver pushes what is said, before letta-matrix. Each cell of these tables is a run with
an agent of its own. The fault happens one to three times in a row, to a request of that agent or about it, while its chart
is seen to be in that phase. Then nobody helps. The cell holds when each question has got exactly one final, in the right
place and order, which is the agent's own; no draft is left hanging; Letta was asked no more often than it lost a turn; the
agent has one user, one session (or device) and one room; and the next question is answered as if nothing had been.

- **answer**: the question has its answer.
- **plain error**: the person was told in one message what went wrong and what to do. Only a Letta that says no comes to that.
- **-**: cannot be; the reasons are below.

${table("client-server", "## With users that poll")}${table("appservice", appserviceHead)}## How to read this

"Refused for minutes" takes four minutes of the program's time, which runs 60 times as fast in these tests. Over a WebSocket,
a status of HTTP is what the next connection is answered with after the present one broke.

## What cannot be

${impossible.map(({ phases, faults, reason }) => `- ${faults.join(", ")} × ${namesOf(phases)}: ${reason}`).join("\n")}
${byHand}${kept}`;
}
