import { not } from "xstate";
import { account } from "./account.ts";
import { arrears } from "./arrears.ts";
import { intake } from "./intake.ts";
import { life } from "./life.ts";
import { room } from "./room.ts";
import { service } from "./service.ts";
import { agentSetup } from "./setup.ts";

/** One Letta agent's presence on Matrix: its account, its room, and what it hears. */
export const agentMachine = agentSetup.createMachine({
  id: "agent",
  version: "1",
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    ...input,
    tokenRefused: false,
    imported: false,
    stale: false,
    changes: 0,
    changedAt: 0,
    troubles: {},
  }),
  type: "parallel",
  on: {
    DISCOVERED: [
      { guard: not("isNamed"), actions: { type: "setName", params: ({ event }) => event } },
      { guard: { type: "isSameName", params: ({ event }) => event }, actions: "keepName" },
      {
        guard: { type: "isConfirmed", params: ({ event }) => event },
        actions: [{ type: "setName", params: ({ event }) => event }, "lookAgain"],
      },
      { actions: { type: "setNewName", params: ({ event }) => event } },
    ],
    SPACE_READY: {
      guard: { type: "isOtherSpace", params: ({ event }) => event },
      actions: [{ type: "setSpace", params: ({ event }) => event }, "lookAgain"],
    },
    ANSWERED: { actions: { type: "endAnswering", params: ({ event }) => event } },
    INSPECT: { actions: "lookAgain" },
    REPROVISION: { actions: "lookAgain" },
    /** The cursor went back with the store: what it passes has been heard, asked and perhaps answered. */
    restored: { actions: [{ type: "forgetCursor", params: ({ event }) => event }, "lookAgain"] },
  },
  states: { account, room, intake, arrears, life, service },
});
