import type { ActorId } from "../actor-id.ts";
import type { JournalLine } from "../journal.ts";
import { journalLength } from "../journal.ts";
import type { ActorRecord } from "../record.ts";
import type { ChildSend, Step } from "../step.ts";
import { keys } from "./keys.ts";
import type { EffectRow, InboxRow, Item } from "./rows.ts";
import { del, put, putLater, type Write } from "./store.ts";

/** One step as rows of the store. */
export interface StepBatch {
  readonly writes: readonly Write[];
  readonly line: JournalLine;
  /** Effects to start once the batch is durable, by row key. */
  readonly started: ReadonlyMap<string, EffectRow>;
  /** Last messages to children that this step ends. Nobody could get them later, so they have no row. */
  readonly farewells: readonly ChildSend[];
  readonly tells: readonly (readonly [ActorId, Item])[];
}

export function stepBatch(
  step: Step,
  before: ActorRecord | undefined,
  cause: string | undefined,
  sequence: () => number,
): StepBatch {
  const { record, timers } = step;
  const { id, revision, at } = record;
  const line: JournalLine = {
    revision,
    at,
    event: step.event,
    ...(before !== undefined && { from: before.value }),
    to: record.value,
    effects: step.effects.map((effect) => (effect.kind === "send" ? effect.event.type : effect.name)),
    ...(cause !== undefined && { cause }),
    handled: step.handled,
  };
  const writes: Write[] = [putLater(keys.record(id), record), put(keys.journal(id, revision), line)];
  if (revision > journalLength) writes.push(del(keys.journal(id, revision - journalLength)));

  const started = new Map<string, EffectRow>();
  const farewells: ChildSend[] = [];
  for (const [n, start] of step.effects.entries())
    if (start.kind === "send" && step.ended.includes(start.generation)) farewells.push(start);
    else started.set(keys.effect(id, revision, n), { start, at });
  for (const [key, row] of started) writes.push(put(key, row));

  for (const timer of timers.cancel) writes.push(del(keys.timer(id, timer)));
  for (const timer of [...timers.set, ...timers.moved]) {
    const pending = record.timers[timer];
    if (pending) writes.push(put(keys.timer(id, timer), { due: pending.due, generation: pending.generation }));
  }

  const tells = step.tells.map(({ to, event, id: name }): [ActorId, Item] => {
    const row: InboxRow = {
      stimulus: { kind: "event", event },
      ...(name !== undefined && { id: name }),
      cause: cause ?? id,
      crashes: 0,
    };
    const key = keys.inbox(to, sequence());
    writes.push(put(key, row));
    return [to, { ...row, key }];
  });
  return { writes, line, started, farewells, tells };
}
