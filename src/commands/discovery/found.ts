import { z } from "zod";
import type { Found } from "../../machines/discovery.ts";

/** Numbers of agents. */
export const found = z.object({
  listed: z.number(),
  /** Told their name for the first time; their rooms are being made. */
  fresh: z.number(),
  renamed: z.number(),
  /** Missing, disabled or retired until now. */
  back: z.number(),
  /** Known here but not listed; they are retired when their grace is over. */
  missing: z.number(),
  /** Listed, but left out by the configuration. */
  disabled: z.number(),
}) satisfies z.ZodType<Found>;

export type FoundAgents = z.output<typeof found>;
