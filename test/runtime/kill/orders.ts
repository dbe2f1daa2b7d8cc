import { z } from "zod";

/** What a parent tells its child, one JSON object a line. */
export const order = z.discriminatedUnion("do", [
  z.object({ do: z.literal("accept"), to: z.string(), n: z.number(), id: z.string() }),
  z.object({ do: z.literal("state") }),
  z.object({ do: z.literal("stop") }),
]);

export type Order = z.infer<typeof order>;

/** What the child says of its actors. */
export const state = z.object({
  couriers: z.array(z.tuple([z.string(), z.array(z.number()), z.object({ round: z.string() }).loose()])),
  lines: z.array(z.string()),
});

export type State = z.infer<typeof state>;
