import { z } from "zod";

/** Times are milliseconds since the epoch. */

const wait = z.object({
  reason: z.string(),
  /** What a person could do about it; left out where waiting is all there is to do. */
  remedy: z.string().exactOptional(),
  since: z.number(),
  /** When it is tried again. */
  until: z.number().exactOptional(),
});

export type WaitStatus = z.output<typeof wait>;

/** What every actor has. `state` is dotted from the outermost state inwards. */
const actor = {
  health: z.enum(["running", "restarting", "quarantined"]),
  wait: wait.exactOptional(),
};

export const trouble = z.object({
  actor: z.string(),
  machine: z.string(),
  health: z.enum(["restarting", "quarantined"]),
  crashedAt: z.number(),
  error: z.string(),
  remedy: z.string().exactOptional(),
  /** When it is started again; a quarantined actor waits for an operator. */
  until: z.number().exactOptional(),
});

export type TroubleStatus = z.output<typeof trouble>;

const single = z.object({ ...actor, state: z.string() });

export const agentStatus = z.object({
  ...actor,
  agentId: z.string(),
  name: z.string().exactOptional(),
  userId: z.string(),
  roomId: z.string().exactOptional(),
  /** The state of each of its regions: account, room, intake … */
  regions: z.record(z.string(), z.string()),
});

export type AgentStatus = z.output<typeof agentStatus>;

export const conversationStatus = z.object({
  ...actor,
  agentId: z.string(),
  roomId: z.string(),
  state: z.string(),
  /** Questions that wait for the one being answered. */
  queued: z.number(),
  answering: z.boolean(),
});

export type ConversationStatus = z.output<typeof conversationStatus>;

const coreUserStatus = z.object({ ...actor, userId: z.string(), state: z.string() });

export type CoreUserStatus = z.output<typeof coreUserStatus>;

export const status = z.object({
  server: z.string(),
  at: z.number(),
  /** Left out when it never ran. */
  discovery: single.exactOptional(),
  space: single.exactOptional(),
  /** Who is wherever the agents are, by itself. */
  coreUsers: z.array(coreUserStatus),
  agents: z.array(agentStatus),
  conversations: z.array(conversationStatus),
  /** Actors of any kind that crashed and are not back yet. */
  troubles: z.array(trouble),
});

export type Status = z.output<typeof status>;
