import { z } from "zod";
import { next } from "../paging.ts";

/** What an actor could not bear. Never what it says: that may be what a person wrote. */
export const deadLetter = z.object({
  id: z.string(),
  actor: z.string(),
  /** Milliseconds since the epoch. */
  at: z.number(),
  kind: z.enum(["event", "result", "timer", "effect"]),
  type: z.string(),
  cause: z.string().exactOptional(),
  /** The id of the crash that made it one. */
  crash: z.string().exactOptional(),
  /** Why it could not be done. */
  error: z.string().exactOptional(),
});

export type DeadLetterStatus = z.output<typeof deadLetter>;

export const deadLetterList = z.object({ server: z.string(), at: z.number(), letters: z.array(deadLetter), next });

export type DeadLetterList = z.output<typeof deadLetterList>;

export const released = z.object({
  /** The ids of the actors that were in quarantine until now. */
  actors: z.array(z.string()),
});

export type Released = z.output<typeof released>;
