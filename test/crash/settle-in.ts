import { agentLocalpart, agentUserId } from "../../src/machines/addresses.ts";
import { createAgent } from "../servers/letta-agents.ts";
import type { Resident } from "./evidence.ts";
import type { World } from "./world.ts";

export type Arrived = Omit<Resident, "roomId">;

/** A new agent in Letta, with a word in its memory that no other has. */
export async function createNewcomer({ letta, homeserver }: World, id: string): Promise<Arrived> {
  const name = `Agent ${id}`;
  const word = `word-${id}`;
  const persona = `I am ${name}. SECRET-WORD: ${word}`;
  const { id: agentId } = await createAgent(letta.url, { name, model: letta.modelHandle, persona });
  return { agentId, name, word, userId: agentUserId(homeserver.serverName, agentId) };
}

/** Resolves when the product has given it a room that everybody has joined. */
export async function moveIn({ homeserver, people }: World, newcomer: Arrived): Promise<Resident> {
  const alias = `#${agentLocalpart(newcomer.agentId)}:${homeserver.serverName}`;
  const rooms = await Promise.all(people.map((person) => person.join(alias)));
  return { ...newcomer, roomId: rooms[0] ?? "" };
}
