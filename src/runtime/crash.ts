import { z } from "zod";
import type { ActorId } from "./actor-id.ts";
import { failure, toFailure } from "./failure.ts";
import { journalLine } from "./journal.ts";
import type { ActorEvent } from "./record.ts";
import type { BackoffPolicy } from "./supervision/backoff.ts";

/** Lines of the journal that a crash report holds. */
export const reportedLines = 20;

/** Why an incarnation of an actor ended. */
export const crashReport = z.object({
  id: z.string(),
  actor: z.custom<ActorId>((value) => typeof value === "string"),
  /** Milliseconds since the epoch. */
  at: z.number(),
  incarnation: z.number(),
  /** The type of what it was handling; `silence` when it was not heard of any more. */
  stimulus: z.string(),
  error: failure,
  /** The actor's last transitions before it, oldest first. */
  journal: z.array(journalLine).default([]),
});

export type CrashReport = z.infer<typeof crashReport>;

export function parseCrashReport(text: string): CrashReport {
  return crashReport.parse(JSON.parse(text));
}

/** Stands for a report that cannot be read: what is known of the crash is when it was. */
export function damagedReport(
  actor: ActorId,
  { at = 0, incarnation = 0, error }: { at: number | undefined; incarnation: number | undefined; error: Error },
): CrashReport {
  const stimulus = "(damaged)";
  return { id: `${at}-damaged`, actor, at, incarnation, stimulus, error: toFailure(error), journal: [] };
}

/**
 * An actor gets this event in place of one that crashed it three times. A chart that owes somebody an answer for the
 * lost event handles it; others need not.
 */
export interface DeadLetterEvent extends ActorEvent {
  readonly type: "deadLetter";
  readonly letter: ActorEvent;
  readonly crash: string;
}

export interface RestartPolicy extends BackoffPolicy {
  /** After this many crashes on one event, the event becomes a dead letter. */
  readonly crashesPerEvent: number;
  /** More crashes than this within `period` ms quarantine the actor. */
  readonly intensity: number;
  readonly period: number;
}

export const defaultRestartPolicy: RestartPolicy = {
  crashesPerEvent: 3,
  minBackoff: 200,
  maxBackoff: 60_000,
  intensity: 10,
  period: 600_000,
};
