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

/** What power whom was given, by the `users` of a room's levels. What means no number is left out, and nothing else with it. */
export function powerOf(users: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(given.parse(users)).flatMap(([user, level]) => (level === undefined ? [] : [[user, level]])),
  );
}
