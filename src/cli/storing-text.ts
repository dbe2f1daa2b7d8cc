import type { BackedUp, Repaired, Restored, StoreInspected } from "../commands/store/schema.ts";
import { plain } from "./console.ts";
import { duration } from "./duration.ts";
import { plainRow } from "./status-tables.ts";
import { table } from "./table.ts";
import { layoutFor, type Terminal } from "./terminal.ts";

/** What was done with the store, and what is in it, for a terminal. */

export function backedUpText({ file, rows, records }: BackedUp): string {
  return [
    `backed up ${records} actors in ${rows} rows to ${plain(file)}`,
    "It holds access tokens, the instance secret and what people said: keep it as you keep passwords.",
    "",
  ].join("\n");
}

export function restoredText({ at, rows, records, moved }: Restored): string {
  return [
    `restored ${records} actors in ${rows} rows, as they were at ${plain(at)}`,
    ...moved.map((path) => `what was there is now ${path}`),
    "Start the program: it looks in the rooms for what has been answered since, before it asks or sends anything.",
    "",
  ].join("\n");
}

export function repairedText(repaired: Repaired | undefined): string {
  if (repaired === undefined) return "The store is whole: nothing was changed.\n";
  const { damage, rows, records, lost, damaged, moved } = repaired;
  return [
    ...damage.map(plain),
    `saved ${records} actors in ${rows} rows; ${damaged} rows were damaged`,
    ...lost.map((actor) => `lost ${plain(actor)}`),
    ...moved.map((path) => `the damaged store is now ${path}`),
    "Start the program: it finds out again what is lost, and looks in the rooms for what has been answered.",
    "",
  ].join("\n");
}

export function inspectedText(inspected: StoreInspected, now: number, terminal: Terminal): string {
  const { store, at, ranges, actors, newest, damage, damaged } = inspected;
  const layout = layoutFor(terminal);
  const facts = [
    ...(store === undefined ? [] : [["store", `${store.id}, made at ${store.madeAt}, format ${store.format}`]]),
    ...(store === undefined ? [] : [["epoch", String(store.epoch)]]),
    ...(at === undefined ? [] : [["backed up", at]]),
    ...(newest === undefined ? [] : [["last step", `${duration(now - newest)} ago`]]),
    ...Object.entries(actors).map(([machine, count]) => [machine, String(count)]),
  ];
  const rows = ranges.map((one) => [one.kind, String(one.rows), String(one.bytes), String(one.damaged)]);
  return [
    table(facts.map(plainRow)),
    table([["ROWS OF", "NUMBER", "BYTES", "DAMAGED"], ...rows].map(plainRow), layout),
    actorText(inspected, now, terminal),
    [...damage, ...damaged.map((key) => `damaged: ${key}`)].map((line) => `${plain(line)}\n`).join(""),
    damage.length === 0 || at !== undefined
      ? ""
      : "`letta-matrix repair` saves what is left; a backup may have more.\n",
  ]
    .filter((section) => section !== "")
    .join("\n");
}

function actorText({ actor }: StoreInspected, now: number, terminal: Terminal): string {
  if (actor === undefined) return "";
  const { record, undelivered, effects, journal } = actor;
  const facts = [
    ["record", record === undefined ? "none" : `${record.id}, version ${record.version}, revision ${record.revision}`],
    ...(record === undefined ? [] : [["state", JSON.stringify(record.value)]]),
    ["undelivered", undelivered.join(", ") || "none"],
    ["effects", effects.join(", ") || "none"],
  ];
  const lines = journal.map((line) => [
    `${duration(now - line.at)} ago`,
    line.event,
    JSON.stringify(line.to),
    line.effects.join(", "),
  ]);
  const heading = ["JOURNAL", "EVENT", "STATE", "EFFECTS"];
  return `${table(facts.map(plainRow))}${table([heading, ...lines].map(plainRow), layoutFor(terminal))}`;
}
