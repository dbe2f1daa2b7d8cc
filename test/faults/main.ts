import { randomInt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { homeserverKinds } from "../crash/homeservers.ts";
import { type TransportKind, transportKinds } from "../servers/transports.ts";
import type { CellResult } from "./cell.ts";
import { type Cell, cells, cellsOf, nameOf, phaseOf } from "./matrix.ts";
import { alsoForReal, choose, timesOf, transportBy } from "./plan.ts";
import { reliability, reliabilityFile, tableOf, verdictOf } from "./report.ts";
import { runCells } from "./run.ts";

/**
 * `node test/faults/main.ts [--all | --cells N | --cell NAME] [--transport T] [--homeserver H] [--seed S] [--write] [--source DIR]`: lets
 * each fault happen in each phase (default: in 60 cells, among which are each fault and each phase), prints the table, and
 * with `--write` puts it into docs/reliability.md. The transport, `client-server` or `appservice`, goes by the seed in a
 * sample; the homeserver is `real`, or the stand-in of `synapse`, `tuwunel` or `dendrite`. `--source` is a folder with another build of the product, `--real-letta` takes the real App Server in place of its
 * stand-in for all of them; a sample has four cells on it besides.
 */

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    cells: { type: "string", default: "60" },
    cell: { type: "string", multiple: true, default: [] },
    transport: { type: "string" },
    homeserver: { type: "string", default: "real" },
    seed: { type: "string" },
    write: { type: "boolean", default: false },
    source: { type: "string" },
    "real-letta": { type: "boolean", default: false },
    "rest-within": { type: "string", default: "60000" },
  },
});
const seed = numberOf("seed", values.seed ?? String(randomInt(1, 1_000_000)));
const homeserver = oneOf("homeserver", homeserverKinds, values.homeserver);
const began = performance.now();
const isSample = !values.all && values.cell.length === 0;
/** Of a sample, on the real App Server. */
const realCells = 4;
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

process.exitCode = (await faults()) ? 0 : 1;

async function faults(): Promise<boolean> {
  const transport = chosenTransport();
  const chosen = chosenCells(transport);
  const dir = await mkdtemp(join(tmpdir(), "letta-matrix-faults-"));
  say(`${chosen.length} of ${cellsOf(transport).length} cells, by ${transport}, seed ${seed}`);
  let passed = 0;
  let failed = 0;
  try {
    const options = {
      seed,
      transport,
      homeserver,
      restWithin: numberOf("rest-within", values["rest-within"]),
      ...(values.source !== undefined && { source: values.source }),
      onResult(result: CellResult) {
        if (result.problems.length === 0) passed++;
        else failed++;
        for (const line of linesOf(result)) say(line);
      },
    };
    const { results, census } = await runCells({
      ...options,
      dir,
      cells: chosen,
      realLetta: values["real-letta"],
    });
    say(`\n${tableOf(results, transport)}\n`);
    if (isSample) {
      say("once more with a real App Server:");
      const again = alsoForReal(seed, chosen, realCells);
      const real = await runCells({ ...options, dir: join(dir, "real"), cells: again, realLetta: true });
      census.push(...real.census);
    }
    for (const line of census) say(`in the end: ${line}`);
    if (census.length === 0) passed++;
    else failed++;
    if (values.write) write(results, failed, transport);
  } catch (error) {
    failed++;
    say(`the run broke off: ${error instanceof Error ? error.stack : String(error)}`);
    if (error instanceof Error && error.cause instanceof Error) say(String(error.cause.stack));
  }
  if (failed === 0) await rm(dir, { recursive: true, force: true });
  else say(`the servers' data and logs are in ${dir}`);
  say(`${elapsed()} s`);
  say(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

function chosenTransport(): TransportKind {
  if (values.transport !== undefined) return oneOf("transport", transportKinds, values.transport);
  const [only] = values.cell;
  const ofCell = cells.find((cell) => nameOf(cell) === only);
  const own = ofCell && phaseOf(ofCell).transport;
  return own ?? (isSample ? transportBy(seed) : "client-server");
}

function chosenCells(transport: TransportKind): readonly Cell[] {
  if (values.all) return cellsOf(transport);
  if (isSample) return choose(seed, numberOf("cells", values.cells), transport);
  return values.cell.map((name) => {
    const found = cells.find((cell) => nameOf(cell) === name);
    if (found === undefined) throw new Error(`there is no cell "${name}"; they are:\n${cells.map(nameOf).join("\n")}`);
    return found;
  });
}

function linesOf(result: CellResult): string[] {
  const { cell, hits, problems, tookMs } = result;
  const name = nameOf(cell);
  const line = `${elapsed()} s  ${name}, ${hits.length} of ${timesOf(cell, seed)} times: ${verdictOf(result)} (${Math.round(tookMs)} ms)`;
  if (problems.length === 0) return [line];
  const replay = `  the same again: npm run test:faults -- --seed ${seed} --transport ${chosenTransport()} --homeserver ${homeserver} --cell "${name}"`;
  return [`${name}: BROKEN`, line, ...problems.map((problem) => `  ${problem}`), replay];
}

function write(results: readonly CellResult[], failed: number, transport: TransportKind): void {
  if (failed > 0 || results.length < cellsOf(transport).length)
    say("docs/reliability.md is written by a run of all cells in which none fails: not written");
  else
    writeFileSync(
      reliabilityFile,
      reliability(results, readFileSync(reliabilityFile, "utf8"), { at: new Date(), seed, transport, homeserver }),
    );
}

function oneOf<T extends string>(option: string, known: readonly T[], given: string): T {
  const found = known.find((one) => one === given);
  if (found === undefined) throw new Error(`--${option} must be one of ${known.join(", ")}, not "${given}"`);
  return found;
}

function elapsed(): number {
  return Math.round((performance.now() - began) / 1000);
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} must be a number from 1 on, not "${text}"`);
  return number;
}
