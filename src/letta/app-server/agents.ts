import type { AgentSummary } from "../port.ts";
import type { Request } from "./connection.ts";
import { malformed } from "./errors.ts";
import { agentPage, createdAgent, type ListedAgent } from "./frames.ts";

const pageSize = 100;
const mostPasses = 5;

/** All agents, each once. */
export async function* listAgents(request: Request, signal: AbortSignal): AsyncGenerator<AgentSummary> {
  for await (const { id, name } of everyAgent(request, signal)) yield { id, name };
}

/**
 * All agents with what a listing tells of them, each once. Letta sorts them by when they last ran, so an agent that runs meanwhile moves across pages:
 * a listing of several pages is repeated until one finds nothing new.
 */
export async function* everyAgent(request: Request, signal: AbortSignal): AsyncGenerator<ListedAgent> {
  const seen = new Set<string>();
  for (let pass = 0; pass < mostPasses; pass += 1) {
    let fresh = 0;
    let pages = 0;
    for await (const page of pagesOf(request, signal)) {
      pages += 1;
      for (const agent of page) {
        if (seen.has(agent.id)) continue;
        seen.add(agent.id);
        fresh += 1;
        yield agent;
      }
    }
    if (pages < 2 || (pass > 0 && fresh === 0)) return;
  }
}

async function* pagesOf(request: Request, signal: AbortSignal): AsyncGenerator<readonly ListedAgent[]> {
  const begun = new Set<string>();
  let after: string | undefined;
  for (;;) {
    const query = { limit: pageSize, ...(after === undefined ? {} : { after }) };
    const { agents } = await request({ type: "agent_list", query }, agentPage, signal);
    yield agents;
    after = agents.at(-1)?.id;
    if (agents.length < pageSize || after === undefined) return;
    if (begun.has(after)) throw malformed("agent_list", new Error(`the page after ${after} came twice`));
    begun.add(after);
  }
}

export interface NewAgent {
  readonly name: string;
  /** Handle of the model, e.g. `anthropic/claude-sonnet`. */
  readonly model: string;
  /** Text of the memory block `persona`. */
  readonly persona: string;
}

/** What demos and tests need besides the port: agents are otherwise made in Letta itself. */
export interface AgentCreator {
  createAgent(agent: NewAgent, signal: AbortSignal): Promise<AgentSummary>;
}

export async function createAgent(request: Request, agent: NewAgent, signal: AbortSignal): Promise<AgentSummary> {
  const { name, model, persona } = agent;
  const body = { name, model, memory_blocks: [{ label: "persona", value: persona }] };
  const created = await request({ type: "agent_create", body }, createdAgent, signal);
  return { id: created.agent.id, name: created.agent.name };
}
