import { z } from "zod";
import type { AgentModel } from "../port.ts";
import { everyAgent } from "./agents.ts";
import type { Request } from "./connection.ts";

const modelList = z.object({ entries: z.array(z.object({ id: z.string(), handle: z.string() })) });

/** The agents whose model this Letta does not have, by its own list. */
export async function missingModels(request: Request, signal: AbortSignal): Promise<readonly AgentModel[]> {
  const { entries } = await request({ type: "list_models" }, modelList, signal);
  const known = new Set(entries.flatMap(({ id, handle }) => [id, handle]));
  const missing: AgentModel[] = [];
  for await (const { id, name, model } of everyAgent(request, signal))
    if (typeof model === "string" && !known.has(model)) missing.push({ agentId: id, name, model });
  return missing;
}
