import { account } from "./account.ts";
import { intake } from "./intake.ts";
import { life } from "./life.ts";
import { room } from "./room.ts";
import { agentSetup } from "./setup.ts";

/** One Letta agent's presence on Matrix: its account, its room, and what it hears. */
export const agentMachine = agentSetup.createMachine({
  id: "agent",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, tokenRefused: false, troubles: {} }),
  type: "parallel",
  on: {
    DISCOVERED: { actions: { type: "setName", params: ({ event }) => event } },
    SPACE_READY: { actions: { type: "setSpace", params: ({ event }) => event } },
  },
  states: { account, room, intake, life },
});
