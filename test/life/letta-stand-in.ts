import { type AgentSummary, type LettaBackend, LettaError } from "../../src/letta/port.ts";
import { appServerAbilities } from "../ports/abilities.ts";

/** A Letta that lists what it is told, and whose agents never answer. */
export function lettaStandIn(agents: readonly AgentSummary[]): LettaBackend {
  const never = () => {
    throw new LettaError("unreachable", "Letta does not answer here", { remedy: "wait" });
  };
  return {
    abilities: appServerAbilities,
    async *listAgents() {
      yield* agents;
    },
    history: (agentId) =>
      Promise.resolve([
        { id: `${agentId}-1`, speaker: "user", text: "What is your name?" },
        { id: `${agentId}-2`, speaker: "agent", text: "You can see it." },
      ]),
    createConversation: (agentId) => Promise.resolve({ agentId, conversationId: `of-${agentId}` }),
    branchConversation: never,
    ask: never,
    follow: never,
    lookUp: () => Promise.resolve({ state: "unknown" }),
    cancel: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
