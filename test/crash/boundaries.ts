import { z } from "zod";

/**
 * The moments in a message's life at which processes are killed, in order:
 * - `received`: a sync response or a transaction that holds it has come, nothing of it is written down;
 * - `committing`: a step of its conversation is about to be written, and nothing of that is on disk;
 * - `writing`: LevelDB is at it;
 * - `written`: it is on disk, and nobody has been told;
 * - `committed`: a step that took it is durable (the agent's, which moves the cursor, or the conversation's), or all of
 *   the transaction is, and the homeserver has not been told;
 * - `asking`: it is about to be sent to Letta;
 * - `asked`: Letta has accepted it;
 * - `first-token`, `mid-stream`: the first text of its answer has come, or the third;
 * - `drafting`: the first draft of its answer is about to leave;
 * - `drafted`: the homeserver has that, and we have not noted it;
 * - `final-committed`: the answer is durable, its conversation is about to send it;
 * - `sending`: what ends the turn in the room is about to leave;
 * - `sent`: the homeserver has it, and we have not noted that;
 * - `acknowledged`: that is noted.
 */
export const messageBoundaries = [
  "received",
  "committing",
  "writing",
  "written",
  "committed",
  "asking",
  "asked",
  "first-token",
  "mid-stream",
  "drafting",
  "drafted",
  "final-committed",
  "sending",
  "sent",
  "acknowledged",
] as const;

/**
 * The moments in the life of what people command: a step that took a `!stop` or a `!retry` is durable, and Letta is about
 * to be told that a turn has to end, or has been told.
 */
export const commandBoundaries = ["stop committed", "before cancel", "after cancel", "retry committed"] as const;
export type CommandBoundary = (typeof commandBoundaries)[number];

/** In the life of a tool call that people are asked about: the room is about to see the request, has it, or has decided. */
export const approvalBoundaries = ["before request", "after request", "decision committed"] as const;
export type ApprovalBoundary = (typeof approvalBoundaries)[number];

/** What is asked of Letta and the homeserver for an agent that has just come, in order. */
export const homeRequests = [
  "listAgents",
  "register",
  "upload",
  "setAvatarUrl",
  "createRoom",
  "sendState m.space.child",
  "invite",
  "createConversation",
] as const;
export type HomeRequest = (typeof homeRequests)[number];

/** Before such a request leaves, and when it was carried out, and we have not noted that. */
export type HomeBoundary = `${"before" | "after"} ${HomeRequest}`;
export const homeBoundaries = homeRequests.flatMap((request): HomeBoundary[] => [
  `before ${request}`,
  `after ${request}`,
]);

/** Somewhere in the product's start, or in its orderly stop. */
export const phases = ["starting", "stopping"] as const;
export type Phase = (typeof phases)[number];

export type Boundary = (typeof messageBoundaries)[number] | CommandBoundary | ApprovalBoundary | HomeBoundary | Phase;
/** Those at which anything may be killed, whatever is done about tools. */
const anybodys: readonly Boundary[] = [...messageBoundaries, ...commandBoundaries, ...homeBoundaries];
export const boundaries: readonly Boundary[] = [...anybodys, ...approvalBoundaries, ...phases];
export const boundarySchema = z.custom<Boundary>((given) => boundaries.some((boundary) => boundary === given));

/** What is killed. */
export const killKinds = ["letta-matrix", "letta", "synapse", "all"] as const;
export type KillKind = (typeof killKinds)[number];

/** What becomes of tool calls: all are allowed, or people are asked about each. */
export type Tools = "allowed" | "asked";

/** Where it is killed: it is letta-matrix that starts and stops in order. */
export function boundariesOf(kind: KillKind, tools: Tools): readonly Boundary[] {
  const asked = tools === "asked" ? approvalBoundaries : [];
  return [...anybodys, ...asked, ...(kind === "letta-matrix" ? phases : [])];
}

export function isPhase(boundary: Boundary): boundary is Phase {
  return phases.some((phase) => phase === boundary);
}

export function isCommandBoundary(boundary: Boundary): boundary is CommandBoundary {
  return commandBoundaries.some((command) => command === boundary);
}

export function isApprovalBoundary(boundary: Boundary): boundary is ApprovalBoundary {
  return approvalBoundaries.some((approval) => approval === boundary);
}

export function isHomeBoundary(boundary: Boundary): boundary is HomeBoundary {
  return homeBoundaries.some((home) => home === boundary);
}
