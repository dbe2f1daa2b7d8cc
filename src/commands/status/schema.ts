import { z } from "zod";
import { next } from "../paging.ts";
import { deadLetter } from "../supervision/schema.ts";

/** Times are milliseconds since the epoch. */

export const waitStatus = z.object({
  reason: z.string(),
  /** What a person could do about it; left out where waiting is all there is to do. */
  remedy: z.string().exactOptional(),
  since: z.number(),
  /** When it is tried again. */
  until: z.number().exactOptional(),
});

export type WaitStatus = z.output<typeof waitStatus>;

/** What every actor has. `state` is dotted from the outermost state inwards. */
const actor = {
  health: z.enum(["running", "silent", "restarting", "quarantined"]),
  wait: waitStatus.exactOptional(),
};

export const trouble = z.object({
  actor: z.string(),
  machine: z.string(),
  health: z.enum(["silent", "restarting", "quarantined"]),
  crashedAt: z.number(),
  /** Which of its incarnations crashed. */
  incarnation: z.number(),
  /** How often it crashed within the last `period` ms; more often than `intensity` quarantines it. */
  crashes: z.object({ recent: z.number(), intensity: z.number(), period: z.number() }),
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
  /** Set while an operator has it wait. */
  paused: z.object({ since: z.number(), reason: z.string().exactOptional() }).exactOptional(),
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

/** How the homeserver tells of what is said, and whether it can. */
const transport = z.object({
  kind: z.enum(["client-server", "appservice"]),
  /** Of an application service: whether the homeserver has reached it when it was last asked to. */
  reach: z.enum(["unknown", "reached", "unasked", "unreached"]).exactOptional(),
  since: z.number().exactOptional(),
  reason: z.string().exactOptional(),
  remedy: z.string().exactOptional(),
});

export type TransportStatus = z.output<typeof transport>;

export const status = z.object({
  server: z.string(),
  at: z.number(),
  /** Left out when it is not known, as of a program that does not run. */
  transport: transport.exactOptional(),
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

export const agentList = z.object({
  server: z.string(),
  at: z.number(),
  agents: z.array(agentStatus),
  next,
});

export type AgentList = z.output<typeof agentList>;

const room = z.object({
  roomId: z.string(),
  agentId: z.string(),
  name: z.string().exactOptional(),
  /** Whether it is the agent's own room, or one that the agent was invited into. */
  own: z.boolean(),
  /** What the agent does there; left out where nobody has asked it anything yet. */
  conversation: conversationStatus.exactOptional(),
});

export const roomList = z.object({
  server: z.string(),
  at: z.number(),
  rooms: z.array(room),
  next,
});

export type RoomList = z.output<typeof roomList>;

const journalLine = z.object({
  revision: z.number(),
  /** 0 in the place of a line that the store does not give any more. */
  at: z.number(),
  /** The event's type. */
  event: z.string(),
  from: z.string().exactOptional(),
  to: z.string(),
  effects: z.array(z.string()),
  cause: z.string().exactOptional(),
  handled: z.boolean(),
});

const crash = z.object({
  id: z.string(),
  actor: z.string(),
  at: z.number(),
  incarnation: z.number(),
  /** The type of what it was handling. */
  stimulus: z.string(),
  error: z.string(),
  /** What the error came of, from the next to the farthest. */
  causes: z.array(z.string()),
  remedy: z.string().exactOptional(),
  /** The actor's last transitions before it, oldest first. */
  journal: z.array(journalLine),
});

export const agentDetail = z.object({
  server: z.string(),
  at: z.number(),
  agent: agentStatus,
  /** What keeps going wrong, by what it goes wrong with. */
  concerns: z.array(
    z.object({
      concern: z.string(),
      /** Failed tries in a row. */
      tries: z.number(),
      reason: z.string(),
      remedy: z.string().exactOptional(),
      since: z.number(),
    }),
  ),
  conversations: z.array(conversationStatus),
  /** Of the agent and its conversations, where they are not back yet. */
  troubles: z.array(trouble),
  /** The agent's last transitions, oldest first. */
  journal: z.array(journalLine),
  /** The crashes of the agent and of its conversations that are remembered, oldest first. */
  crashes: z.array(crash),
  /** What the agent and its conversations could not bear, oldest first. */
  deadLetters: z.array(deadLetter),
});

export type AgentDetail = z.output<typeof agentDetail>;
