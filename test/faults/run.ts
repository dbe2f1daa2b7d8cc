import { join } from "node:path";
import type { HomeserverKind } from "../crash/homeservers.ts";
import { Random } from "../crash/random.ts";
import type { TransportKind } from "../servers/transports.ts";
import { type CellResult, CellRun } from "./cell.ts";
import { census } from "./census.ts";
import { type Cell, nameOf, phaseOf } from "./matrix.ts";
import type { LettaKind } from "./phase.ts";
import { timesOf } from "./plan.ts";
import { startWorld, type World } from "./world.ts";

export interface RunOptions {
  /** Holds all that it writes. */
  readonly dir: string;
  readonly seed: number;
  readonly cells: readonly Cell[];
  readonly transport: TransportKind;
  readonly homeserver: HomeserverKind;
  /** The real App Server in the stand-in's place. Default: false. */
  readonly realLetta?: boolean;
  /** Where the product's source is. Default: as it stands. */
  readonly source?: string;
  /** What each step of a cell may take, ms. */
  readonly restWithin?: number;
  readonly onResult?: (result: CellResult) => void;
}

export interface RunResult {
  readonly results: readonly CellResult[];
  /** What is wrong with the homeserver in the end, whosever doing it was. */
  readonly census: string[];
}

/** Cells that run side by side, each with an agent of its own. */
const abreast = 16;
const kinds: readonly LettaKind[] = ["app-server", "rest"];

/** Runs the cells, those with each kind of Letta in a world of their own. */
export async function runCells(options: RunOptions): Promise<RunResult> {
  const results: CellResult[] = [];
  const found: string[] = [];
  for (const letta of kinds) {
    const cells = options.cells.filter((cell) => phaseOf(cell).letta === letta);
    if (cells.length === 0) continue;
    const { dir, source, transport, homeserver, realLetta = false } = options;
    const world = await startWorld({
      dir: join(dir, letta),
      letta,
      transport,
      homeserver,
      realLetta,
      ...(source !== undefined && { source }),
    });
    try {
      const done = await runIn(world, cells, options);
      results.push(...done);
      found.push(...(await census(world, new Set(done.flatMap(({ userId }) => userId ?? [])))));
    } finally {
      await world.stop();
    }
  }
  return { results, census: found };
}

async function runIn(world: World, cells: readonly Cell[], options: RunOptions): Promise<CellResult[]> {
  const { seed, restWithin, onResult } = options;
  const results: CellResult[] = [];
  const runOne = async (cell: Cell): Promise<void> => {
    const name = `c${cells.indexOf(cell) + 1}`;
    const times = timesOf(cell, seed);
    const run = new CellRun(world, cell, { name, times, ...(restWithin !== undefined && { restWithin }) });
    const result = await run.run().catch((error: unknown) => {
      throw new Error(`${nameOf(cell)} broke off`, { cause: error });
    });
    results.push(result);
    onResult?.(result);
  };
  const {
    own = [],
    refused = [],
    shared = [],
  } = Object.groupBy(cells, (cell) =>
    phaseOf(cell).shared ? "shared" : cell.fault === "refused for minutes" ? "refused" : "own",
  );
  // Where nobody is let in, all others wait too; and so do the few who may register at a time, when all of them stall.
  for (const side of [own, refused]) {
    const left = new Random(seed).shuffled(side);
    const worker = async (): Promise<void> => {
      for (let cell = left.shift(); cell !== undefined; cell = left.shift()) await runOne(cell);
    };
    await Promise.all(Array.from({ length: abreast }, worker));
  }
  for (const cell of shared) await runOne(cell);
  return results;
}
