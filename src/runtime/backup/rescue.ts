import { Level } from "level";
import type { ActorId } from "../actor-id.ts";
import { actorOfKey, keys, type Range, rangeOf, ranges, tailOfKey } from "../embedded/keys.ts";
import { openLevel } from "../embedded/open.ts";
import { reconcile } from "../embedded/reconcile.ts";
import { type EffectRow, effectRow, inboxRow } from "../embedded/rows.ts";
import { type ActorRecord, parseRecord } from "../record.ts";
import type { Entry } from "./file.ts";
import { type RawRow, rawRows } from "./raw-rows.ts";
import { Salvage } from "./salvage.ts";

/** What a damaged store still has. */
export interface Rescue {
  /** What can be kept, in itself consistent. */
  readonly rows: AsyncIterable<Entry>;
  /** Actors without a readable record, of which other rows tell. */
  readonly lost: readonly ActorId[];
  /** Rows that are not what was written there. */
  readonly damaged: number;
  close(): Promise<void>;
}

/**
 * Takes from a damaged store what is whole, and what fits together: an actor without its record is none, its effects and
 * timers are those that its record tells of. Changes the folder, which should be a copy.
 */
export async function rescueFrom(folder: string): Promise<Rescue> {
  const salvage = await Salvage.of(folder);
  const level = await readable(folder);
  await salvage.compare(folder);
  const rows = () => salvage.among(asFarAsItGoes(level));
  const found = new Found();
  for await (const row of rows()) found.note(row);
  return {
    rows: found.kept(rows()),
    lost: found.lost,
    damaged: found.damaged,
    close: () => level.close(),
  };
}

/** Lets LevelDB put right what it can, but only where it cannot read on by itself: it may bring back what was deleted. */
async function readable(folder: string): Promise<Level<string, string>> {
  try {
    const level = await openLevel(folder, { create: false });
    try {
      for await (const _ of level.iterator());
      return level;
    } catch (error) {
      await level.close();
      throw error;
    }
  } catch {
    await repairLevel(folder);
    return openLevel(folder, { create: false });
  }
}

/** Level's types are those of all its platforms; this one has it. */
async function repairLevel(folder: string): Promise<void> {
  const repair: unknown = Reflect.get(Level, "repair");
  if (typeof repair !== "function") throw new Error("this build of LevelDB cannot repair a database");
  await Reflect.apply(repair, Level, [folder]);
}

async function* asFarAsItGoes(level: Level<string, string>): AsyncGenerator<RawRow> {
  try {
    yield* rawRows(level);
  } catch {
    // What comes after this cannot be read by any means.
  }
}

/** Whether an actor that has such rows and no record is lost. */
const tellsOfRecord: Readonly<Record<Range, boolean>> = {
  [ranges.record]: true,
  [ranges.journal]: true,
  [ranges.effect]: true,
  [ranges.checkpoint]: false,
  [ranges.timer]: true,
  [ranges.inbox]: true,
  [ranges.backlog]: false,
  [ranges.seen]: true,
  [ranges.crash]: false,
  [ranges.deadLetter]: false,
  [ranges.vault]: false,
  [ranges.ledger]: false,
  [ranges.mark]: false,
};

class Found {
  damaged = 0;
  readonly #records = new Map<ActorId, ActorRecord>();
  readonly #effects = new Map<ActorId, Map<string, EffectRow>>();
  readonly #actors = new Set<ActorId>();

  get lost(): readonly ActorId[] {
    return [...this.#actors].filter((actor) => !this.#records.has(actor));
  }

  note({ key, value }: RawRow): void {
    const range = rangeOf(key);
    const actor = actorOfKey(key);
    if (range !== undefined && tellsOfRecord[range]) this.#actors.add(actor);
    try {
      if (value === undefined) throw new Error("damaged");
      if (range === ranges.record) this.#records.set(actor, parseRecord(value));
      if (range === ranges.inbox) inboxRow.parse(JSON.parse(value));
      if (range === ranges.effect) {
        const effects = this.#effects.get(actor) ?? new Map<string, EffectRow>();
        this.#effects.set(actor, effects.set(key, effectRow.parse(JSON.parse(value))));
      }
    } catch {
      this.damaged++;
    }
  }

  async *kept(rows: AsyncIterable<RawRow>): AsyncGenerator<Entry> {
    for await (const { key, value } of rows) if (value !== undefined && this.#isKept(key, value)) yield [key, value];
    for (const [actor, record] of this.#records) {
      const effects = [...(this.#effects.get(actor) ?? [])].filter(([key]) => !isLater(key, record));
      const { rows: present, writes } = reconcile(record, new Map(effects));
      const written = writes.flatMap((write) => (write.type === "put" ? [[write.key, write.value] as const] : []));
      yield* new Map([...[...present].map(([key, row]) => [key, JSON.stringify(row)] as const), ...written]);
    }
  }

  #isKept(key: string, value: string): boolean {
    const record = this.#records.get(actorOfKey(key));
    switch (rangeOf(key)) {
      case ranges.journal:
        return record !== undefined && !isLater(key, record);
      // What it has taken does not count any more for an actor that has to begin anew.
      case ranges.seen:
      case ranges.checkpoint:
        return record !== undefined;
      case ranges.inbox:
        return inboxRow.safeParse(JSON.parse(value)).success;
      case ranges.crash:
      case ranges.backlog:
      case ranges.deadLetter:
      case ranges.vault:
      case ranges.ledger:
        return true;
      // Written anew, as the records tell.
      case ranges.record:
      case ranges.effect:
      case ranges.timer:
        return false;
      case ranges.mark:
      case undefined:
        return false;
    }
  }
}

/** Whether a row was written by a step after the one that the record is of. */
function isLater(key: string, { id, revision }: ActorRecord): boolean {
  if (key >= keys.replayed(id, 0)) return false;
  return Number(tailOfKey(key).split("|")[0]) > revision;
}
