import { z } from "zod";
import type { AskingAgent } from "../machines/question.ts";
import type { Content } from "../matrix/port.ts";

/** What our own events carry in their content, so that we, a checker and other agents know them again. */

/** On every event of an answer. Recovery goes by it. */
export const turnMarker = "io.letta_matrix.turn";
/** On every message of a conversation: the transaction id that it was sent under. */
export const transactionMarker = "io.letta_matrix.transaction";
/** On a request for an approval: reactions on it decide. */
export const approvalMarker = "io.letta_matrix.approval";
/** State of a room that we made: whose it is. */
export const roomMarker = "io.letta_matrix.room";

/** In the creation of a room that a caller has asked for: what tells it from another one under the same key. */
export const deedMarker = "io.letta_matrix.deed";

/** State of a room that somebody else made for the agent: set by the agent's own user, which makes it the agent's. */
export const adoptionMarker = "io.letta_matrix.adopted";
/** On every message that was said elsewhere or earlier: nobody answers it. Others' importers write it, too. */
export const historicalMark = "m.letta_historical";
/** On what we told of an agent's past: which message of Letta's it is. */
export const historyMarker = "io.letta_matrix.history";

const turn = z.object({
  /** Event id of the question. */
  cause: z.string(),
  /** Where a person wanted the question to be asked again: event id of that command. */
  retry: z.string().exactOptional(),
  attempt: z.number(),
  part: z.number(),
  parts: z.number(),
  /** True on the last part of a finished answer only. */
  final: z.boolean(),
  outcome: z.enum(["answer", "error"]).exactOptional(),
  /** How many agents the question has been through. */
  hops: z.number(),
  /** Where it comes of what another agent has answered: that agent's user. */
  reply_to: z.string().exactOptional(),
});

export type TurnMark = z.infer<typeof turn>;

const marked = z.object({ [turnMarker]: turn });

/** The turn marker of an event's content, if it has a valid one. */
export function turnMarkOf(content: unknown): TurnMark | undefined {
  const parsed = marked.safeParse(content);
  return parsed.success ? parsed.data[turnMarker] : undefined;
}

const said = z.object({ [transactionMarker]: z.string() });

/** Under which transaction id this content was sent, if it tells. */
export function saidAs(content: unknown): string | undefined {
  const parsed = said.safeParse(content);
  return parsed.success ? parsed.data[transactionMarker] : undefined;
}

/** Whether it is a conversation's word that is part of no answer, and asks for no approval. */
export function isRemark(content: Readonly<Record<string, unknown>>): boolean {
  return saidAs(content) !== undefined && turnMarkOf(content) === undefined && content[approvalMarker] === undefined;
}

const told = z.object({ [historyMarker]: z.object({ message: z.string() }) });

/** The message of Letta's that this content tells again, if it is one of ours. */
export function importedMessageOf(content: unknown): string | undefined {
  const parsed = told.safeParse(content);
  return parsed.success ? parsed.data[historyMarker].message : undefined;
}

/** On what an agent says to another: who it is by Letta's names, and how many agents this has been through. */
export const askingMarkers = {
  agentId: "m.letta.from_agent_id",
  name: "m.letta.from_agent_name",
  hops: "io.letta_matrix.hops",
  /** The room in which the asking agent wants the answer, too, and by what it knows there what that belongs to. */
  replyTo: "io.letta_matrix.reply_to",
  key: "io.letta_matrix.asked",
} as const;

const asking = z.object({
  [askingMarkers.agentId]: z.string().min(1).max(255),
  [askingMarkers.name]: z.string().max(255).optional().catch(undefined),
  [askingMarkers.hops]: z.int().min(0).max(1_000).catch(1),
  [askingMarkers.replyTo]: z
    .string()
    .regex(/^![\x21-\x7e]{1,254}$/)
    .optional()
    .catch(undefined),
  [askingMarkers.key]: z.string().min(1).max(255).optional().catch(undefined),
});

/** Which agent says this, as it claims; whether that is true, the event's sender tells. */
export function askingAgentOf(content: unknown): AskingAgent | undefined {
  const { data } = asking.safeParse(content);
  if (data === undefined) return undefined;
  const { [askingMarkers.name]: name, [askingMarkers.replyTo]: roomId, [askingMarkers.key]: key } = data;
  return {
    agentId: data[askingMarkers.agentId],
    hops: data[askingMarkers.hops],
    ...(name !== undefined && { name }),
    ...(roomId !== undefined && key !== undefined && { replyTo: { roomId, key } }),
  };
}

const owned = z.object({ agent_id: z.string(), retired: z.boolean().optional().catch(undefined) });

export function roomMark(agentId: string): Content {
  return { agent_id: agentId };
}

/** Of a room whose agent is gone: it keeps its history, and is nobody's room any more. */
export function retiredMark(agentId: string): Content {
  return { agent_id: agentId, retired: true };
}

export function isRetired(content: Content | undefined): boolean {
  return owned.safeParse(content).data?.retired === true;
}

/** Whose room it is, by the content of its marker state. */
export function roomOwnerOf(content: unknown): string | undefined {
  const parsed = owned.safeParse(content);
  return parsed.success ? parsed.data.agent_id : undefined;
}

const adoption = z.object({ agent_id: z.string(), at: z.number() });

export interface AdoptionMark {
  readonly agentId: string;
  /** Ms since the epoch: what was said before was somebody else's to answer. */
  readonly at: number;
}

export function adoptionMark({ agentId, at }: AdoptionMark): Content {
  return { agent_id: agentId, at };
}

/** When a room was adopted, and for whom, by the content of that state. */
export function adoptionOf(content: unknown): AdoptionMark | undefined {
  const { data } = adoption.safeParse(content);
  return data && { agentId: data.agent_id, at: data.at };
}
