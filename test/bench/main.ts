import { commitLatency } from "./commits.ts";
import { conversationSteps } from "./conversation-steps.ts";
import { printFigures } from "./figures.ts";
import { homes } from "./homes.ts";
import { programSends } from "./program-sends.ts";
import { turnCost } from "./turn-cost.ts";

printFigures([
  conversationSteps(3_000),
  ...(await commitLatency(1, 1_000)),
  ...(await commitLatency(200, 20_000)),
  ...(await turnCost({ rounds: 5, messages: 20 })),
  ...(await homes(100)),
  ...(await programSends({ rounds: 5, sends: 20 })),
]);
