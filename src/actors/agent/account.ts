import type { agentMachine } from "../../machines/agent.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import type { Sessions } from "../sessions.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

export function ensureAccount(sessions: Sessions): AgentEffects["ensureAccount"] {
  return async ({ userId, name, renew }, { signal }) => {
    if (renew) await sessions.forget(userId);
    const localpart = userId.slice(1, userId.indexOf(":"));
    await sessions.ensure(localpart, name, signal);
  };
}
