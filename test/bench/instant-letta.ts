import type { AgentSummary, LettaBackend } from "../../src/letta/port.ts";

/** Letta, answering at once: the bench measures the gateway. */
export function instantLetta(agents: readonly AgentSummary[]): LettaBackend {
  const letta: LettaBackend = {
    async *listAgents() {
      yield* agents;
    },
    history: async () => [],
    createConversation: async (id) => ({ agentId: id, conversationId: "default" }),
    branchConversation: async (from) => from,
    async *ask({ text }) {
      yield { type: "accepted" };
      yield { type: "text", messageId: "m", delta: `You said: ${text}` };
      yield { type: "finished", stopReason: "end_turn" };
    },
    follow: (request, signal) => letta.ask(request, signal),
    lookUp: async () => ({ state: "unknown" }),
    cancel: () => Promise.resolve(),
    close: async () => undefined,
  };
  return letta;
}
