import type { StateValue } from "xstate";
import { z } from "zod";

/** Lines kept per actor. */
export const journalLength = 200;

/** One transition of one actor. Never holds an event's text: types, states and causes only. */
export interface JournalLine {
  readonly revision: number;
  /** Milliseconds since the epoch; 0 in the place of a line that cannot be read. */
  readonly at: number;
  /** The event's type. */
  readonly event: string;
  readonly from?: StateValue;
  readonly to: StateValue;
  /** Names of the effects this step started. */
  readonly effects: readonly string[];
  /** The id of what caused the event: a command, another actor's step, an event from outside. */
  readonly cause?: string;
  /** False when no transition took the event. */
  readonly handled: boolean;
}

const stateValue = z.custom<StateValue>((value) => typeof value === "string" || (typeof value === "object" && !!value));

export const journalLine: z.ZodType<JournalLine> = z.object({
  revision: z.number(),
  at: z.number(),
  event: z.string(),
  from: stateValue.exactOptional(),
  to: stateValue,
  effects: z.array(z.string()),
  cause: z.string().exactOptional(),
  handled: z.boolean(),
});

/** Stands for a line that cannot be read: what is known of it is its place. */
export function damagedLine(revision: number): JournalLine {
  return { revision, at: 0, event: "(damaged)", to: "(damaged)", effects: [], handled: true };
}

export function parseJournalLine(text: string): JournalLine {
  return journalLine.parse(JSON.parse(text));
}
