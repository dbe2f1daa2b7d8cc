import { Random } from "../crash/random.ts";
import { type TransportKind, transportKinds } from "../servers/transports.ts";
import { type FaultName, faultNames } from "./fault-names.ts";
import { type Cell, cells, cellsOf, nameOf, type PhaseName, phaseOf, phasesOf } from "./matrix.ts";

/** Happen once: they last, or happen to what people have just said. */
const single: ReadonlySet<FaultName> = new Set(["refused for minutes", "reordered events"]);

/** How often a cell's fault happens in a row: the same for the same seed, whatever other cells there are. */
export function timesOf(cell: Cell, seed: number): number {
  if (single.has(cell.fault)) return 1;
  const own = cells.findIndex((one) => nameOf(one) === nameOf(cell));
  return new Random(seed * 1_000 + own).int(1, 3);
}

/** The transports take turns, by seeds. */
export function transportBy(seed: number): TransportKind {
  return transportKinds[seed % 2] ?? "client-server";
}

/** At least `count` cells, among which is each fault and each phase of the transport; which ones, the seed decides. */
export function choose(seed: number, count: number, transport: TransportKind): Cell[] {
  const all = cellsOf(transport);
  const shuffled = new Random(seed).shuffled(all);
  const chosen = new Set<Cell>();
  const take = (cell: Cell | undefined): void => {
    if (cell !== undefined) chosen.add(cell);
  };
  const isOf = (fault: FaultName) => (cell: Cell) => cell.fault === fault;
  const isIn = (phase: PhaseName) => (cell: Cell) => cell.phase === phase;
  for (const fault of faultNames) if (![...chosen].some(isOf(fault))) take(shuffled.find(isOf(fault)));
  for (const phase of phasesOf(transport)) if (![...chosen].some(isIn(phase))) take(shuffled.find(isIn(phase)));
  for (const cell of shuffled) if (chosen.size < count) chosen.add(cell);
  return all.filter((cell) => chosen.has(cell));
}

/** Cells of the App Server's side among the chosen ones that are tried with the real server too. */
export function alsoForReal(seed: number, chosen: readonly Cell[], count: number): Cell[] {
  const isLettas = (cell: Cell): boolean => phaseOf(cell).letta === "app-server" && phaseOf(cell).shared === true;
  return new Random(seed).shuffled(chosen.filter(isLettas)).slice(0, count);
}
