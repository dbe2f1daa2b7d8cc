import { z } from "zod";

/** Who an agent is, and where, as its chart promises to keep it in its context. */
export const knownAgent = z
  .object({
    agentId: z.string(),
    userId: z.string(),
    name: z.string().optional(),
    roomId: z.string().optional(),
    paused: z.object({ since: z.number(), reason: z.string().exactOptional() }).optional(),
  })
  .transform(({ name, roomId, paused, ...who }) => ({
    ...who,
    ...(name !== undefined && { name }),
    ...(roomId !== undefined && { roomId }),
    ...(paused !== undefined && { paused }),
  }));

export type KnownAgent = z.output<typeof knownAgent>;
