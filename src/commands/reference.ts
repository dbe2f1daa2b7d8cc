import { z } from "zod";

/**
 * What names somebody or something: it becomes a part of an address. Half of a surrogate pair can stand in a JSON text, but
 * in no address, and no homeserver ever gives a name with one in it.
 */
export const reference = z.string().refine((text) => text.isWellFormed(), "must be well-formed text");

/** An agent, by its name, its id in Letta or its user id. */
export const agentReference = reference.min(1).max(255);
