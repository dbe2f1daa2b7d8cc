import { type ActorId, actorId, partsOf } from "../runtime/actor-id.ts";

/** Where each actor lives. The realm is the homeserver's name, so that one process can serve several one day. */
export const addressOf = {
  discovery: (server: string) => actorId(server, "discovery", "letta"),
  space: (server: string) => actorId(server, "space", "agents"),
  coreUser: (server: string, userId: string) => actorId(server, "core-user", userId),
  audit: (server: string) => actorId(server, "audit", "all"),
  /** What programs have a user of ours say in a room. */
  outbox: (server: string, userId: string, roomId: string) => actorId(server, "outbox", userId, roomId),
  agent: (server: string, agentId: string) => actorId(server, "agent", agentId),
  /** The thread is a place in the key for those who want one conversation for each; empty for the whole room. */
  conversation: (server: string, agentId: string, roomId: string, thread = "") =>
    actorId(server, "conversation", agentId, roomId, thread),
} as const;

/** Every kind of actor there is. */
export const machines = ["discovery", "space", "core-user", "audit", "agent", "conversation", "outbox"] as const;

const userPrefix = "agent_";

/** The agent an agent's or conversation's address names. */
export function agentOf(id: ActorId): string {
  return keyPart(id, 0);
}

/** The user a core user's or an outbox's address names. */
export function userOf(id: ActorId): string {
  return keyPart(id, 0);
}

/** The room a conversation's or an outbox's address names. */
export function roomOf(id: ActorId): string {
  return keyPart(id, 1);
}

export function serverOf(id: ActorId): string {
  return partsOf(id).realm;
}

/**
 * The agent's user id: `@agent_<id>`, the id without its leading "agent-" and with `_` for `-`, so that it is the same
 * in every installation that ever served this agent.
 */
export function agentUserId(server: string, agentId: string): string {
  return `@${agentLocalpart(agentId)}:${server}`;
}

/** Whether the user is an agent's, of this installation or another, by its name. */
export function isAgentUser(userId: string): boolean {
  return userId.startsWith(`@${userPrefix}`);
}

export function localpartOf(userId: string): string {
  return userId.slice(1, userId.indexOf(":"));
}

/** The name of the user's homeserver. */
export function serverOfUser(userId: string): string {
  return userId.slice(userId.indexOf(":") + 1);
}

export function agentLocalpart(agentId: string): string {
  const bare = agentId.replace(/^(agent-)+/, "").toLowerCase();
  return `${userPrefix}${bare.replaceAll("-", "_").replace(/[^a-z0-9._=/]/g, (char) => `=${char.charCodeAt(0).toString(16)}`)}`;
}

function keyPart(id: ActorId, index: number): string {
  const part = partsOf(id).key[index];
  if (part === undefined) throw new RangeError(`"${id}" has no part ${index}`);
  return part;
}
