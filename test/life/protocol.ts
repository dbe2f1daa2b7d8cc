import { z } from "zod";

/** What the driver and its victim, a process that runs the product, say to each other. */

const settings = z.object({
  configFile: z.string(),
  /** What Letta lists. */
  agents: z.array(z.object({ id: z.string(), name: z.string() })),
  /** In which every listed agent's life is to settle; the first part of each point's name. */
  phase: z.string(),
  /** Points at which a process has died already. */
  survived: z.array(z.string()),
  /** Milliseconds since 1970 from which on the victim's time runs faster, and how many times. */
  epoch: z.number(),
  haste: z.number(),
});
export type Settings = z.infer<typeof settings>;

export const order = z.object({ type: z.literal("start"), settings });
export type Order = z.infer<typeof order>;

export const report = z.discriminatedUnion("type", [
  z.object({ type: z.literal("loaded") }),
  /** It kills itself here. */
  z.object({ type: z.literal("hit"), point: z.string() }),
  /** So many questions wait for an answer. */
  z.object({ type: z.literal("asked"), questions: z.number() }),
  /** Nothing is left to be done. */
  z.object({ type: z.literal("settled") }),
]);
export type Report = z.infer<typeof report>;
