import { createHash } from "node:crypto";
import { join } from "node:path";
import type { AnyStateMachine } from "xstate";
import { z } from "zod";
import { chartGraph } from "../../src/runtime/chart-graph.ts";

/** Per chart and version a fingerprint of its structure. */
export const structuresSchema = z.record(z.string(), z.record(z.string(), z.string()));
export type Structures = z.output<typeof structuresSchema>;

export const structuresFile = join(import.meta.dirname, "structures.json");
export const picturesFolder = join(import.meta.dirname, "..", "..", "docs", "charts");

/** Changes with the states, transitions, guards, actions, delays and invokes of a chart, and with nothing else. */
export function fingerprint(machine: AnyStateMachine): string {
  const { states, edges } = chartGraph(machine);
  return createHash("sha256").update(JSON.stringify({ states, edges })).digest("hex").slice(0, 16);
}

/** What is wrong between a chart and what was recorded of it; `undefined` when nothing is. */
export function mismatch(name: string, machine: AnyStateMachine, recorded: Structures): string | undefined {
  const version = machine.version ?? "";
  const known = recorded[name]?.[version];
  if (known === fingerprint(machine)) return undefined;
  if (known === undefined)
    return `version ${version} of the chart "${name}" is not recorded yet: run \`npm run charts\` and commit what it writes`;
  return [
    `the structure of the chart "${name}" changed, but its version is still ${version}.`,
    "Stored actors of this version would be restored into states that they were not stored in.",
    `Raise its \`version\` in src/machines, give its behaviour a \`migrate\` from ${version}, then run \`npm run charts\`.`,
    `If version ${version} was never released, run \`npm run charts -- --unreleased\` instead.`,
  ].join("\n");
}
