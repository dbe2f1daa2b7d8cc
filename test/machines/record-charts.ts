import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderChart } from "../../src/commands/chart/render.ts";
import { machines } from "../../src/machines/index.ts";
import { fingerprint, mismatch, picturesFolder, structuresFile, structuresSchema } from "./structure.ts";

/**
 * `npm run charts`: writes down the structure of each chart's present version, and draws the pictures in docs/charts.
 * `--unreleased` lets a version change that was recorded before.
 */

const mayChange = process.argv.includes("--unreleased");
const recorded = structuresSchema.parse(JSON.parse(readFileSync(structuresFile, "utf8")));
const refused: string[] = [];

for (const [name, machine] of Object.entries(machines)) {
  const version = machine.version ?? "";
  const problem = mismatch(name, machine, recorded);
  if (problem === undefined) continue;
  if (recorded[name]?.[version] !== undefined && !mayChange) refused.push(problem);
  else recorded[name] = { ...recorded[name], [version]: fingerprint(machine) };
}

if (refused.length > 0) {
  console.error(refused.join("\n\n"));
  process.exitCode = 1;
} else {
  writeFileSync(structuresFile, `${JSON.stringify(recorded, null, 2)}\n`);
  mkdirSync(picturesFolder, { recursive: true });
  for (const name of Object.keys(machines))
    writeFileSync(join(picturesFolder, `${name}.svg`), await renderChart(name, "svg"));
}
