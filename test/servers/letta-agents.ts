import { z } from "zod";
import { type LettaSocket, openLettaSocket } from "./letta-socket.ts";

export interface NewAgent {
  readonly name: string;
  /** Handle of the model, e.g. `openai-compatible/stand-in`; see {@link Letta.modelHandle}. */
  readonly model: string;
  /** Text of the memory block `persona`. `SECRET-WORD: xyz` in it comes back in each answer of the stand-in model. */
  readonly persona: string;
}

export interface Agent {
  readonly id: string;
  readonly name: string;
}

const agentSchema = z.object({ id: z.string(), name: z.string() });

export async function createAgent(url: string, agent: NewAgent): Promise<Agent> {
  const [created] = await createAgents(url, [agent]);
  if (created === undefined) throw new Error(`Letta created no agent ${agent.name}`);
  return created;
}

/** Creates them one after the other over one connection; gives them in the same order. */
export function createAgents(url: string, agents: readonly NewAgent[]): Promise<Agent[]> {
  return withSocket(url, async (socket) => {
    const created: Agent[] = [];
    for (const { name, model, persona } of agents) {
      const { agent } = await socket.request(
        { type: "agent_create", body: { name, model, memory_blocks: [{ label: "persona", value: persona }] } },
        z.object({ agent: agentSchema }),
      );
      created.push(agent);
    }
    return created;
  });
}

export function deleteAgent(url: string, agentId: string): Promise<void> {
  return withSocket(url, async (socket) => {
    await socket.request({ type: "agent_delete", agent_id: agentId }, z.unknown());
  });
}

export function renameAgent(url: string, agentId: string, name: string): Promise<void> {
  return withSocket(url, async (socket) => {
    await socket.request({ type: "agent_update", agent_id: agentId, body: { name } }, z.unknown());
  });
}

/** Gives the id of a new conversation with the agent. */
export function createConversation(url: string, agentId: string): Promise<string> {
  return withSocket(url, async (socket) => {
    const { conversation } = await socket.request(
      { type: "conversation_create", body: { agent_id: agentId } },
      z.object({ conversation: z.object({ id: z.string() }) }),
    );
    return conversation.id;
  });
}

async function withSocket<T>(url: string, use: (socket: LettaSocket) => Promise<T>): Promise<T> {
  const socket = await openLettaSocket(url);
  try {
    return await use(socket);
  } finally {
    socket.close();
  }
}
