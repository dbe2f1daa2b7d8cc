import { z } from "zod";

/**
 * The moments in a message's life at which processes are killed, in order:
 * - `received`: a sync response that holds it has come, nothing of it is written down;
 * - `committed`: a step that took it is durable (the agent's, which moves the cursor, or the conversation's);
 * - `asked`: Letta has accepted it;
 * - `first-token`, `mid-stream`: the first text of its answer has come, or the third;
 * - `final-committed`: the answer is durable, its conversation is about to send it;
 * - `sending`: what ends the turn in the room is about to leave;
 * - `sent`: the homeserver has it, and we have not noted that;
 * - `acknowledged`: that is noted.
 */
export const boundaries = [
  "received",
  "committed",
  "asked",
  "first-token",
  "mid-stream",
  "final-committed",
  "sending",
  "sent",
  "acknowledged",
] as const;

export type Boundary = (typeof boundaries)[number];
export const boundarySchema = z.enum(boundaries);

/** What is killed. */
export const killKinds = ["letta-matrix", "letta", "synapse", "all"] as const;
export type KillKind = (typeof killKinds)[number];
