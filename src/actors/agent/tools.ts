import type { agentMachine } from "../../machines/agent/index.ts";
import type { ChildEffects } from "../../runtime/effect.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

/** The tools of ours that agents have at Letta. Each of the two looks first, and can be done again. */
export interface ToolAttachment {
  /** Gives them, where the operator wants that; else takes away what was given before. */
  attach(agentId: string, signal: AbortSignal): Promise<void>;
  detach(agentId: string, signal: AbortSignal): Promise<void>;
}

/** Where Letta keeps no tools of ours there is nothing to be done. */
export function attachTools(tools: ToolAttachment | undefined): AgentEffects["attachTools"] {
  return async ({ agentId }, { signal }) => tools?.attach(agentId, signal);
}

export function detachTools(tools: ToolAttachment | undefined): AgentEffects["detachTools"] {
  return async ({ agentId }, { signal }) => tools?.detach(agentId, signal);
}
