import type { ActorId } from "./actor-id.ts";
import type { CrashReport } from "./crash.ts";
import type { DeadLetter, DeadLetters } from "./dead-letter.ts";
import type { JournalLine } from "./journal.ts";
import type { ActorEvent, ActorRecord } from "./record.ts";

export interface AcceptOptions {
  /** Names the event at its receiver: a second one of the same id is acknowledged and dropped, also while the first waits. */
  readonly id?: string;
  /** What caused the event, for the journal. */
  readonly cause?: string;
}

export interface AskOptions {
  /** Milliseconds to wait for the answer. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** One committed step, as a subscriber sees it. */
export interface Transition {
  readonly record: ActorRecord;
  readonly line: JournalLine;
}

/**
 * Whether an actor takes events, waits for its next incarnation, or waits for an operator. One that is `silent` takes
 * events, but an effect of it that was stuck, and was begun again, has given no sign of life since.
 */
export type Health =
  | { readonly state: "running" }
  | (Troubled & { readonly state: "silent" | "quarantined" })
  | (Troubled & { readonly state: "restarting"; readonly until: number });

interface Troubled {
  /** The last one. */
  readonly crash: CrashReport;
  readonly crashes: CrashCount;
}

/** How often an actor crashed within the last `period` ms; more often than `intensity` quarantines it. */
export interface CrashCount {
  readonly recent: number;
  readonly intensity: number;
  readonly period: number;
}

/** What became of an actor or of its events, for whoever watches over them. */
export type Notice =
  | { readonly kind: "quarantined"; readonly actor: ActorId; readonly crash: string }
  | { readonly kind: "released" | "restarted"; readonly actor: ActorId }
  | { readonly kind: "deadLetter" | "replayed"; readonly letter: DeadLetter }
  | { readonly kind: "dropped"; readonly letter: DeadLetter; readonly reason: string };

/**
 * Runs actors: takes events, steps charts, writes down, then lets effects loose. Nothing above it may know which host
 * it is. An actor comes to life with its first event and is loaded when it is needed.
 */
export interface Host {
  /** Takes up everything that was left undone: effects, timers, undelivered events. */
  start(): Promise<void>;
  /**
   * Gives an actor an event. Resolves when the event, or everything that follows from it, is durable. Rejects, and then
   * nothing of it was kept, with {@link MailboxFull}, {@link HostStopped}, NotPlainJson, or UnreadableRecord where this
   * version cannot run the actor; and with what the store says when it is closed (StoreUnavailable) or damaged
   * (RowDamaged). With StoreFailed it may have been kept or not: give it again under the same id.
   */
  accept(to: ActorId, event: ActorEvent, options?: AcceptOptions): Promise<void>;
  /** Gives an actor an event with a `replyTo`, and resolves with what its chart replies. Rejects with {@link NoReply}. */
  ask(to: ActorId, event: ActorEvent, options: AskOptions): Promise<unknown>;
  /** The actor as last stepped; `undefined` when it never had an event. */
  read(id: ActorId): ActorRecord | undefined;
  /**
   * All actors of a machine that ever had an event, by id; those whose key begins with `key`, where that is given. A record
   * that cannot be read is left out.
   */
  list(realm: string, machine: string, ...key: readonly string[]): AsyncIterable<ActorRecord>;
  /** The last transitions of an actor, oldest first; one that cannot be read is shown as damaged. */
  journal(id: ActorId): Promise<readonly JournalLine[]>;
  /** The crashes of an actor that are remembered, oldest first; one that cannot be read is shown as damaged. */
  crashes(id: ActorId): Promise<readonly CrashReport[]>;
  health(id: ActorId): Health;
  /** The actors that are in quarantine. */
  quarantined(): readonly ActorId[];
  /**
   * Lets an actor out of quarantine: it takes what was kept for it, and its effects begin again. Resolves to false when it
   * is in none.
   */
  release(id: ActorId): Promise<boolean>;
  /**
   * Ends an actor's incarnation and begins the next at once, as if it had never crashed: its effects begin again, and what
   * comes meanwhile is kept. One in quarantine is released. Resolves to false when the actor is at rest: nothing of it runs.
   */
  restart(id: ActorId): Promise<boolean>;
  readonly deadLetters: DeadLetters;
  /** Calls the listener after each commit. */
  subscribe(listener: (transition: Transition) => void): () => void;
  /** Takes no more events, aborts the effects, waits for them at most `deadline` ms, and writes down what is pending. */
  drain(deadline: number): Promise<void>;
}

/** The actor has as many undelivered events as it may hold: ask again later, nothing was kept. */
export class MailboxFull extends Error {
  override readonly name = "MailboxFull";
  readonly remedy = "Ask again in a moment; if that does not help, see by `letta-matrix status` what it is at.";
}

/** The host is not running (any more): nothing was kept. */
export class HostStopped extends Error {
  override readonly name = "HostStopped";
  readonly remedy = "Ask again when the program runs: it is starting or ending.";
}

/** No answer came in time. The event itself was taken. */
export class NoReply extends Error {
  override readonly name = "NoReply";
  readonly remedy = "It was taken, and may still be done. See what came of it before you ask again.";
}
