import { agentLocalpart, agentUserId } from "../../src/machines/addresses.ts";
import { createAgents } from "../servers/letta-agents.ts";
import type { Resident } from "./evidence.ts";
import type { World } from "./world.ts";

type Newcomer = Omit<Resident, "roomId" | "userId">;

/** New agents in Letta, each with a word in its memory that no other has. */
export async function createNewcomers({ stack }: World, prefix: string, count: number): Promise<Newcomer[]> {
  const wanted = Array.from({ length: count }, (_, index) => ({
    name: `Agent ${prefix}${index + 1}`,
    word: `word-${prefix}${index + 1}`,
  }));
  const created = await createAgents(
    stack.letta.url,
    wanted.map(({ name, word }) => ({
      name,
      model: stack.letta.modelHandle,
      persona: `I am ${name}. SECRET-WORD: ${word}`,
    })),
  );
  return wanted.map(({ name, word }, index) => ({ agentId: created[index]?.id ?? "", name, word }));
}

/** Resolves when the product has given each a room that everybody has joined. */
export async function moveIn({ stack, people }: World, newcomers: readonly Newcomer[]): Promise<Resident[]> {
  const { serverName } = stack.synapse;
  return Promise.all(
    newcomers.map(async (newcomer) => {
      const alias = `#${agentLocalpart(newcomer.agentId)}:${serverName}`;
      const rooms = await Promise.all(people.map((person) => person.join(alias)));
      return { ...newcomer, roomId: rooms[0] ?? "", userId: agentUserId(serverName, newcomer.agentId) };
    }),
  );
}
