import type { ActorRecord } from "../record.ts";
import { keys } from "./keys.ts";
import type { EffectRow } from "./rows.ts";
import { del, put, type Write } from "./store.ts";

/** Rows of added children come after all that a step can have written under its revision. */
const firstAdded = 100_000;

/**
 * Brings the rows that an older version of the chart wrote into line with the migrated record: children that it has no
 * more are forgotten, children and timers that it has gained get their rows.
 */
export function reconcile(
  record: ActorRecord,
  rows: ReadonlyMap<string, EffectRow>,
): { readonly rows: ReadonlyMap<string, EffectRow>; readonly writes: readonly Write[] } {
  const running = new Map(Object.entries(record.children).filter(([, { finished }]) => !finished));
  const generations = new Set([...running.values()].map(({ generation }) => generation));
  const kept = new Map<string, EffectRow>();
  const writes: Write[] = [put(keys.record(record.id), record)];
  for (const [key, row] of rows) {
    if (row.start.kind === "action" || generations.has(row.start.generation)) kept.set(key, row);
    else writes.push(del(key), del(keys.checkpoint(key)));
  }
  const started = new Set(
    [...kept.values()].flatMap(({ start }) => (start.kind === "child" ? [start.generation] : [])),
  );
  for (const [n, [child, { src, generation, input }]] of [...running].entries()) {
    if (started.has(generation)) continue;
    const row: EffectRow = { start: { kind: "child", name: src, child, generation, input }, at: record.at };
    const key = keys.effect(record.id, record.revision, firstAdded + n);
    kept.set(key, row);
    writes.push(put(key, row));
  }
  for (const [timer, { due, generation }] of Object.entries(record.timers))
    writes.push(put(keys.timer(record.id, timer), { due, generation }));
  return { rows: kept, writes };
}
