import { z } from "zod";

/** Rooms of old versions may have it as a string, which means its number; homeservers take none that we would write. */
export const powerLevel = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^\s*[+-]?\d+\s*$/)
      .transform(Number)
      .pipe(z.int()),
  ])
  .optional()
  .catch(undefined);

const given = z.record(z.string(), powerLevel).catch({});

/** The `users` or `events` of a room's levels. What means no number is left out, and nothing else with it. */
export function powerOf(levels: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(given.parse(levels)).flatMap(([of, level]) => (level === undefined ? [] : [[of, level]])),
  );
}
