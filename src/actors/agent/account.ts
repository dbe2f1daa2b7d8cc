import type { agentMachine } from "../../machines/agent/index.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import type { Sessions } from "../sessions.ts";
import { shortened } from "./contents.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

const forgotten = "forgotten";

export function ensureAccount(sessions: Sessions): AgentEffects["ensureAccount"] {
  return async ({ userId, name, renew }, { signal, checkpointed, checkpoint }) => {
    // Once only: what stands in the vault after that is the new session.
    if (renew && checkpointed !== forgotten) {
      await sessions.forget(userId);
      await checkpoint(forgotten);
    }
    const localpart = userId.slice(1, userId.indexOf(":"));
    await sessions.ensure(localpart, shortened(name), signal);
  };
}
