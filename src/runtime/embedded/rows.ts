import { z } from "zod";
import { failure } from "../failure.ts";
import { actorEvent } from "../record.ts";

/** An effect as it stands in the store until it has been done. */
export const effectRow = z.object({
  start: z.discriminatedUnion("kind", [
    z.object({
      kind: z.literal("child"),
      name: z.string(),
      child: z.string(),
      generation: z.number(),
      input: z.unknown().optional(),
    }),
    z.object({ kind: z.literal("action"), name: z.string(), input: z.unknown().optional() }),
    z.object({ kind: z.literal("send"), child: z.string(), generation: z.number(), event: actorEvent }),
  ]),
  /** When the chart asked for it, ms since the epoch. */
  at: z.number(),
});

export type EffectRow = z.infer<typeof effectRow>;

const stimulus = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("start") }),
  z.object({ kind: z.literal("event"), event: actorEvent }),
  // Plain JSON has no place for the output of an effect that gives none.
  z.object({ kind: z.literal("done"), child: z.string(), generation: z.number(), output: z.unknown().optional() }),
  z.object({ kind: z.literal("error"), child: z.string(), generation: z.number(), error: z.unknown() }),
  z.object({ kind: z.literal("timer"), timer: z.string(), generation: z.number() }),
]);

/** Something that an actor has not taken yet, as it stands in the store. */
export const inboxRow = z.object({
  stimulus,
  id: z.string().exactOptional(),
  cause: z.string().exactOptional(),
  /** How many incarnations it has crashed. */
  crashes: z.number(),
});

export type InboxRow = z.infer<typeof inboxRow>;

/** Something for an actor to take; `key` is its row in the store's inbox, if it has one. */
export interface Item extends InboxRow {
  readonly key?: string;
}

/** A pending timer; its event stands in the record. */
export const timerRow = z.object({ due: z.number(), generation: z.number() });

/** What became of an item that its actor could not bear, or of an action that could not be done. */
export const deadLetterRow = z.union([
  inboxRow.extend({ at: z.number().default(0), crash: z.string() }),
  z.object({ effect: effectRow.shape.start, at: z.number().default(0), error: failure }),
]);

export type DeadLetterRow = z.infer<typeof deadLetterRow>;
