import { readFileSync, writeFileSync } from "node:fs";
import { machines } from "../../src/machines/index.ts";
import { fingerprint, mismatch, structuresFile, structuresSchema } from "./structure.ts";

/** Writes down the structure of each chart's present version. `--unreleased` lets a recorded version change. */

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
}
