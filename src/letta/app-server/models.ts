import { z } from "zod";
import type { AgentModel } from "../port.ts";
import type { Request } from "./connection.ts";

const pageSize = 100;

const modelPage = z.object({
  agents: z.array(z.object({ id: z.string(), name: z.string(), model: z.string().nullish() })),
});
const modelList = z.object({ entries: z.array(z.object({ id: z.string(), handle: z.string() })) });

/** The agents whose model this Letta does not have, by its own list. */
export async function missingModels(request: Request, signal: AbortSignal): Promise<readonly AgentModel[]> {
  const { entries } = await request({ type: "list_models" }, modelList, signal);
  const known = new Set(entries.flatMap(({ id, handle }) => [id, handle]));
  const missing = new Map<string, AgentModel>();
  for (let after: string | undefined; ; ) {
    const query = { limit: pageSize, ...(after === undefined ? {} : { after }) };
    const { agents }: z.output<typeof modelPage> = await request({ type: "agent_list", query }, modelPage, signal);
    for (const { id, name, model } of agents)
      if (typeof model === "string" && !known.has(model)) missing.set(id, { agentId: id, name, model });
    const last = agents.at(-1)?.id;
    // Agents that run meanwhile move across pages: one that comes again ends it, too.
    if (agents.length < pageSize || last === undefined || last === after) return [...missing.values()];
    after = last;
  }
}
