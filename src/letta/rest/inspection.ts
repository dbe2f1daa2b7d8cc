import { z } from "zod";
import type { AgentModel, AgentTools } from "../port.ts";
import type { RestApi } from "./api.ts";

/** Kinds of Letta's own tools that do nothing but talk, search what was said, and keep the memory. */
const inward: ReadonlySet<string> = new Set([
  "letta_core",
  "letta_memory_core",
  "letta_sleeptime_core",
  "letta_voice_sleeptime_core",
]);

/** An agent with what its settings say. */
export const furnishedAgent = z.looseObject({
  id: z.string(),
  name: z.string(),
  /** By the handle that the list of models has, too; older servers have it only in the other place. */
  model: z.string().nullish(),
  llm_config: z.looseObject({ handle: z.string().nullish() }).nullish(),
  tools: z.array(z.looseObject({ name: z.string().nullish(), tool_type: z.string().nullish() })).nullish(),
  tool_rules: z.array(z.looseObject({ type: z.string(), tool_name: z.string() })).nullish(),
});
type FurnishedAgent = z.infer<typeof furnishedAgent>;

export const listedModel = z.looseObject({ handle: z.string().nullish() });

/** The agents whose model this Letta does not have, by its own list. */
export async function missingModels(api: RestApi, signal: AbortSignal): Promise<readonly AgentModel[]> {
  const known = new Set((await api.models(signal)).map(({ handle }) => handle));
  const missing: AgentModel[] = [];
  for await (const { id, name, model, llm_config } of api.furnishedAgents(signal)) {
    const handle = model ?? llm_config?.handle;
    if (handle && !known.has(handle)) missing.push({ agentId: id, name, model: handle });
  }
  return missing;
}

export async function ungatedTools(api: RestApi, signal: AbortSignal): Promise<readonly AgentTools[]> {
  const found: AgentTools[] = [];
  for await (const agent of api.furnishedAgents(signal)) {
    const tools = ungatedIn(agent);
    if (tools.length > 0) found.push({ agentId: agent.id, name: agent.name, tools });
  }
  return found;
}

function ungatedIn({ tools, tool_rules }: FurnishedAgent): readonly string[] {
  const gated = new Set(
    (tool_rules ?? []).filter(({ type }) => type === "requires_approval").map(({ tool_name }) => tool_name),
  );
  return (tools ?? []).flatMap(({ name, tool_type }) =>
    name && !inward.has(tool_type ?? "") && !gated.has(name) ? [name] : [],
  );
}
