import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { machines } from "../../src/machines/index.ts";
import { crashReport } from "../../src/runtime/crash.ts";
import { deadLetterRow, effectRow, inboxRow, timerRow } from "../../src/runtime/embedded/rows.ts";
import { storeFormat } from "../../src/runtime/embedded/store/identity.ts";
import { journalLine } from "../../src/runtime/journal.ts";
import { actorRecord, recordFormat } from "../../src/runtime/record.ts";

/** What the fixtures of all versions lie in: a folder for each set of formats that was ever written, by its number. */
export const fixturesFolder = join(import.meta.dirname, "fixtures");

const formatsSchema = z.object({
  store: z.number(),
  record: z.number(),
  /** By name, the version. */
  charts: z.record(z.string(), z.string()),
  /** By kind of row, a fingerprint of what it may hold. */
  rows: z.record(z.string(), z.string()),
});

/** The formats of all that is kept. */
export type Formats = z.output<typeof formatsSchema>;

export const formatsNow: Formats = {
  store: storeFormat,
  record: recordFormat,
  charts: Object.fromEntries(
    Object.entries(machines)
      .map(([name, { version = "" }]) => [name, version])
      .toSorted(),
  ),
  rows: {
    record: fingerprintOf(actorRecord),
    journal: fingerprintOf(journalLine),
    effect: fingerprintOf(effectRow),
    timer: fingerprintOf(timerRow),
    inbox: fingerprintOf(inboxRow),
    crash: fingerprintOf(crashReport),
    deadLetter: fingerprintOf(deadLetterRow),
  },
};

/** The numbers of all fixtures, oldest first. */
export function fixtures(): readonly number[] {
  return readdirSync(fixturesFolder)
    .map(Number)
    .toSorted((a, b) => a - b);
}

/** Of the newest fixture. */
export function newestFormats(): Formats | undefined {
  return fixtures().map(formatsOf).at(-1);
}

export function formatsOf(fixture: number): Formats {
  return formatsSchema.parse(JSON.parse(readFileSync(join(fixturesFolder, String(fixture), "formats.json"), "utf8")));
}

/** What is wrong between what is written now and the newest fixture; `undefined` when nothing is. */
export function unrecorded(now: Formats, newest: Formats | undefined): string | undefined {
  const changed = namesOf(now).filter(([name, format]) => new Map(newest && namesOf(newest)).get(name) !== format);
  const gone = (newest ? namesOf(newest) : []).filter(([name]) => !new Map(namesOf(now)).has(name));
  if (changed.length + gone.length === 0) return undefined;
  return [
    `no fixture holds what is written now: ${[...changed, ...gone].map(([name]) => name).join(", ")} changed.`,
    "Run `npm run formats`, and commit the fixture that it writes beside the older ones, which stay as they are.",
    "If the newest one was never released, run `npm run formats -- --unreleased`: that one is written anew.",
  ].join("\n");
}

function namesOf({ store, record, charts, rows }: Formats): [name: string, format: string][] {
  return [
    ["the store", String(store)],
    ["the record", String(record)],
    ...Object.entries(charts).map(([name, version]): [string, string] => [`the chart ${name}`, version]),
    ...Object.entries(rows).map(([name, print]): [string, string] => [`the row ${name}`, print]),
  ];
}

function fingerprintOf(schema: z.ZodType): string {
  const shape = z.toJSONSchema(schema, { unrepresentable: "any", io: "input" });
  return createHash("sha256").update(JSON.stringify(shape)).digest("hex").slice(0, 16);
}
