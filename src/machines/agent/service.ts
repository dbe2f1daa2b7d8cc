import { pauseAll, resumeAll } from "./context.ts";
import { agentSetup } from "./setup.ts";

/**
 * Whether what is said to the agent is asked of Letta, as an operator has decided. The agent's own record says it; its
 * conversations are told, and one that doubts it looks there.
 */
export const service = agentSetup.createStateConfig({
  initial: "serving",
  states: {
    serving: { on: { PAUSE: { target: "pausing", actions: { type: "pause", params: ({ event }) => event } } } },
    pausing: {
      on: { RESUME: { target: "resuming", actions: "resume" } },
      invoke: {
        id: "listToPause",
        src: "listConversations",
        input: ({ context: { agentId } }) => ({ agentId }),
        onDone: { target: "paused", actions: { type: "tell", params: ({ event }) => pauseAll(event.output) } },
        onError: "pausingLater",
      },
    },
    pausingLater: {
      on: { RESUME: { target: "resuming", actions: "resume" } },
      after: { listAgain: "pausing" },
    },
    paused: { on: { RESUME: { target: "resuming", actions: "resume" } } },
    resuming: {
      on: { PAUSE: { target: "pausing", actions: { type: "pause", params: ({ event }) => event } } },
      invoke: {
        id: "listToResume",
        src: "listConversations",
        input: ({ context: { agentId } }) => ({ agentId }),
        onDone: { target: "serving", actions: { type: "tell", params: ({ event }) => resumeAll(event.output) } },
        onError: "resumingLater",
      },
    },
    resumingLater: {
      on: { PAUSE: { target: "pausing", actions: { type: "pause", params: ({ event }) => event } } },
      after: { listAgain: "resuming" },
    },
  },
});
