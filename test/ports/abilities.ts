import type { LettaAbilities } from "../../src/letta/port.ts";

/** What Letta's App Server can do. */
export const appServerAbilities: LettaAbilities = {
  turnsOutliveWatchers: false,
  gatesEveryTool: true,
  repeatsBrokenAnswers: true,
  holdsConversations: true,
  takesTools: true,
  attachesTools: false,
};
