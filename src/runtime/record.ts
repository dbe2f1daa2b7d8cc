import type { StateValue } from "xstate";
import { z } from "zod";
import type { ActorId } from "./actor-id.ts";

/** Raised with every change of the record's own layout; the chart's version is `version`. */
export const recordFormat = 1;

/** An event as the runtime handles it: plain JSON; `at` (ms since the epoch) is stamped by the host. */
export interface ActorEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** One as it is read: from the store, or from what XState gives out. */
export const actorEvent = z.looseObject({ type: z.string() });

/** An invoked or spawned effect of an actor. */
export interface ChildRecord {
  readonly src: string;
  /** Told apart from an earlier child of the same id: a late result of that one is dropped. */
  readonly generation: number;
  readonly input?: unknown;
  /** Set when its result has been processed; a finished child is not started again after a restart. */
  readonly finished?: true;
}

/** A pending `after`, delayed `raise` or delayed `sendTo`. */
export interface TimerRecord {
  /** Milliseconds since the epoch. */
  readonly due: number;
  readonly generation: number;
  readonly event: ActorEvent;
  /** The child the event goes to; without it, the actor itself. */
  readonly child?: string;
}

/** All there is to know of an actor between two events. Plain JSON. */
export interface ActorRecord {
  readonly format: typeof recordFormat;
  readonly id: ActorId;
  readonly machine: string;
  readonly version: number;
  readonly value: StateValue;
  readonly context: Readonly<Record<string, unknown>>;
  readonly status: "active" | "done";
  readonly output?: unknown;
  /** Per history node the ids of the states it remembers. */
  readonly history: Readonly<Record<string, readonly string[]>>;
  /**
   * Where several states are active at once: their ids as they were entered, which is the order in which XState tries
   * their eventless transitions.
   */
  readonly order?: readonly string[];
  readonly children: Readonly<Record<string, ChildRecord>>;
  readonly timers: Readonly<Record<string, TimerRecord>>;
  /** Number of steps taken. */
  readonly revision: number;
  /** Number of the newest child or timer. */
  readonly generation: number;
  /** When this record's step happened, ms since the epoch. */
  readonly at: number;
}

const plain = z.record(z.string(), z.unknown());

/** What {@link parseRecord} takes. */
export const actorRecord = z.object({
  format: z.literal(recordFormat),
  id: z.custom<ActorId>((value) => typeof value === "string"),
  machine: z.string(),
  version: z.number().int(),
  value: z.custom<StateValue>((value) => typeof value === "string" || (typeof value === "object" && value !== null)),
  context: plain,
  status: z.enum(["active", "done"]),
  output: z.unknown().optional(),
  history: z.record(z.string(), z.array(z.string())),
  order: z.array(z.string()).exactOptional(),
  children: z.record(
    z.string(),
    z.object({
      src: z.string(),
      generation: z.number().int(),
      input: z.unknown().optional(),
      finished: z.literal(true).exactOptional(),
    }),
  ),
  timers: z.record(
    z.string(),
    z.object({
      due: z.number(),
      generation: z.number().int(),
      event: actorEvent,
      child: z.string().exactOptional(),
    }),
  ),
  revision: z.number().int(),
  generation: z.number().int(),
  at: z.number(),
});

/** Reads a stored record. Throws when it is not one of {@link recordFormat}. */
export function parseRecord(text: string): ActorRecord {
  return actorRecord.parse(JSON.parse(text));
}
