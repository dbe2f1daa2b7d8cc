import { type AgentSummary, type LettaBackend, LettaError } from "../../src/letta/port.ts";
import { appServerAbilities } from "../ports/abilities.ts";

/**
 * What everybody remembers. More than there are points at which the process dies while it imports: each may take away the
 * answer to one message that was sent.
 */
export const past = Array.from({ length: 8 }, (_, n) =>
  n % 2 === 0
    ? ({ speaker: "user", text: `What is your name, for the ${n + 1}. time?` } as const)
    : ({ speaker: "agent", text: `You can see it: ${n + 1}.` } as const),
);

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
    history: (agentId) => Promise.resolve(past.map((one, n) => ({ ...one, id: `${agentId}-${n}` }))),
    createConversation: (agentId) => Promise.resolve({ agentId, conversationId: `of-${agentId}` }),
    branchConversation: never,
    ask: never,
    follow: never,
    lookUp: () => Promise.resolve({ state: "unknown" }),
    cancel: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
