import { type ActorId, partsOf } from "../actor-id.ts";
import { actorOfKey, type Range, rangeOf, ranges } from "../embedded/keys.ts";
import { effectRow, inboxRow } from "../embedded/rows.ts";
import { type JournalLine, parseJournalLine } from "../journal.ts";
import { type ActorRecord, parseRecord } from "../record.ts";
import type { ActorSurvey, Survey } from "../storage.ts";

/** What the kinds of rows are called. */
const kinds: Readonly<Record<Range, string>> = {
  [ranges.record]: "records",
  [ranges.journal]: "journal",
  [ranges.effect]: "effects",
  [ranges.checkpoint]: "checkpoints",
  [ranges.timer]: "timers",
  [ranges.inbox]: "undelivered",
  [ranges.backlog]: "backlog",
  [ranges.seen]: "taken events",
  [ranges.crash]: "crashes",
  [ranges.deadLetter]: "dead letters",
  [ranges.vault]: "secrets",
  [ranges.ledger]: "ledgers",
  [ranges.mark]: "marks",
};

export const damagedRows = "some of its rows are not what was written there";

const mostNamed = 20;

/** Counts what is in a store, row by row. What the rows hold is not kept. */
export class Surveyor {
  readonly #wanted: string | undefined;
  readonly #counts = new Map<string, { rows: number; bytes: number; damaged: number }>();
  readonly #actors = new Map<string, number>();
  readonly #damaged: string[] = [];
  #oldest: number | undefined;
  #newest: number | undefined;
  #record: ActorSurvey["record"];
  readonly #undelivered: string[] = [];
  readonly #effects: string[] = [];
  readonly #journal: JournalLine[] = [];

  /** `actor`: of which more is wanted. */
  constructor(actor?: string) {
    this.#wanted = actor;
  }

  /** `value` is left out for a row that is not what was written there. */
  count(key: string, value: string | undefined): void {
    const range = rangeOf(key);
    const kind = range === undefined ? "unknown" : kinds[range];
    const counts = this.#counts.get(kind) ?? { rows: 0, bytes: 0, damaged: 0 };
    this.#counts.set(kind, counts);
    counts.rows++;
    counts.bytes += Buffer.byteLength(key) + Buffer.byteLength(value ?? "");
    try {
      if (value === undefined) throw new Error("damaged");
      if (range === ranges.record) this.#countRecord(parseRecord(value));
      if (this.#wanted !== undefined && actorOfKey(key) === this.#wanted) this.#note(range, value);
    } catch {
      counts.damaged++;
      if (this.#damaged.length < mostNamed) this.#damaged.push(key);
    }
  }

  result(): Survey {
    const wanted = this.#wanted !== undefined && {
      actor: {
        record: this.#record,
        undelivered: this.#undelivered,
        effects: this.#effects,
        journal: this.#journal,
      },
    };
    return {
      ranges: [...this.#counts].map(([kind, counts]) => ({ kind, ...counts })),
      actors: Object.fromEntries(this.#actors),
      ...(this.#oldest !== undefined && { oldest: this.#oldest }),
      ...(this.#newest !== undefined && { newest: this.#newest }),
      damaged: this.#damaged,
      ...wanted,
    };
  }

  #countRecord({ id, machine, version, value, status, revision, at }: ActorRecord): void {
    this.#actors.set(machineOf(id), (this.#actors.get(machineOf(id)) ?? 0) + 1);
    this.#oldest = Math.min(this.#oldest ?? at, at);
    this.#newest = Math.max(this.#newest ?? at, at);
    if (id === this.#wanted) this.#record = { id, machine, version, value, status, revision, at };
  }

  #note(range: Range | undefined, value: string): void {
    if (range === ranges.journal) this.#journal.push(parseJournalLine(value));
    if (range === ranges.inbox) {
      const { stimulus } = inboxRow.parse(JSON.parse(value));
      this.#undelivered.push(stimulus.kind === "event" ? stimulus.event.type : stimulus.kind);
    }
    if (range === ranges.effect) {
      const { start } = effectRow.parse(JSON.parse(value));
      this.#effects.push(start.kind === "send" ? start.event.type : start.name);
    }
  }
}

function machineOf(id: ActorId): string {
  return partsOf(id).machine;
}
