import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import { type ActorId, partsOf } from "../../runtime/actor-id.ts";
import type { ActorRecord } from "../../runtime/record.ts";
import { agentReference } from "../reference.ts";
import { knownAgent } from "../status/known-agent.ts";

/** The agent that an operator's command is about. */
export const meantAgent = agentReference.describe("The agent: its name, id in Letta or user id.");

/** How it is told of in the answer. */
export const namedAgent = { agentId: z.string(), name: z.string().exactOptional() };

export function namesOf({ context }: ActorRecord): { readonly agentId: string; readonly name?: string } {
  const { agentId, name } = knownAgent.parse(context);
  return { agentId, ...(name !== undefined && { name }) };
}

/** Whether it is the agent's own actor, or one of its conversations. */
export function isOfAgent(actor: ActorId, agentId: string): boolean {
  const { realm, machine } = partsOf(actor);
  return actor === addressOf.agent(realm, agentId) || (machine === "conversation" && partsOf(actor).key[0] === agentId);
}
