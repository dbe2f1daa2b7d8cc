import type { ActorId } from "./actor-id.ts";
import type { JournalLine } from "./journal.ts";
import type { ActorRecord } from "./record.ts";

/** A store as a whole. */
export interface Storage {
  /**
   * Writes all of it into one new file, as it is at one moment, while others write to it. Throws BackupUnusable, or
   * RowDamaged when it is not whole: what is damaged is not backed up.
   */
  backUp(file: string, signal: AbortSignal): Promise<BackupSummary>;
  /** Counts what is in it. `actor`: of which more is wanted. */
  inspect(actor: string | undefined, signal: AbortSignal): Promise<Inspection>;
}

export interface BackupSummary {
  /** The store that it is of. */
  readonly store: StoreIdentity;
  /** When it was made. */
  readonly at: string;
  readonly rows: number;
  /** Actors' records among them. */
  readonly records: number;
}

/** What can be done with a store, whole or not, while nothing runs. */
export interface IdleStorage {
  /** Makes the store from a backup; `replace` moves one that is there aside. Throws BackupUnusable or StoreUnavailable. */
  restore(file: string, options: { readonly replace: boolean }): Promise<Restored>;
  /** Makes a new store of what a damaged one still has; `undefined` when it is whole. Throws StoreUnavailable. */
  repair(): Promise<Repaired | undefined>;
  /** Throws StoreUnavailable when there is none. */
  inspect(actor: string | undefined): Promise<Inspection>;
  /** Throws BackupUnusable when the file is none. */
  inspectBackup(file: string, actor: string | undefined): Promise<Inspection>;
}

export interface Restored {
  readonly rows: number;
  readonly records: number;
  /** When the backup was made. */
  readonly at: string;
  readonly epoch: number;
  /** Where that is now which stood in the way. */
  readonly moved: readonly string[];
}

export interface Repaired {
  /** Why the store was refused. */
  readonly damage: readonly string[];
  readonly rows: number;
  readonly records: number;
  /** Actors whose records are lost: what they were is found again, or made anew. */
  readonly lost: readonly ActorId[];
  /** Rows that were not what was written there. */
  readonly damaged: number;
  readonly epoch: number;
  /** Where the damaged store is now. */
  readonly moved: readonly string[];
}

/** What a store is. */
export interface StoreIdentity {
  readonly format: number;
  readonly id: string;
  readonly madeAt: string;
  /** How often what it holds was taken out of a backup, or saved from a damaged store. */
  readonly epoch: number;
}

/** What is in a store or a backup, counted: nothing that was said, and no secret. */
export interface Inspection extends Survey {
  /** What it says of itself, as far as that can be read. */
  readonly store?: StoreIdentity;
  /** When the backup was made; left out for a store. */
  readonly at?: string;
  /** Why it is not whole; empty when it is. */
  readonly damage: readonly string[];
}

export interface Survey {
  readonly ranges: readonly RangeCount[];
  /** How many records there are of each machine. */
  readonly actors: Readonly<Record<string, number>>;
  /** When the first and the last of the present records were written, ms since the epoch. */
  readonly oldest?: number;
  readonly newest?: number;
  /** Keys of rows that are not what was written there, or that cannot be read; the first of them. */
  readonly damaged: readonly string[];
  readonly actor?: ActorSurvey;
}

export interface RangeCount {
  readonly kind: string;
  readonly rows: number;
  /** Of keys and values. */
  readonly bytes: number;
  /** Rows that are not what was written there. */
  readonly damaged: number;
}

/** What is known of one actor, without anything that was said. */
export interface ActorSurvey {
  readonly record: Pick<ActorRecord, "id" | "machine" | "version" | "value" | "status" | "revision" | "at"> | undefined;
  /** The types of the events that it has not taken yet. */
  readonly undelivered: readonly string[];
  /** What runs, or is to run. */
  readonly effects: readonly string[];
  readonly journal: readonly JournalLine[];
}
