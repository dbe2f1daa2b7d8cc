import { parseArgs } from "node:util";
import { commitLatency } from "./commits.ts";
import { conversationSteps } from "./conversation-steps.ts";
import { printFigures } from "./figures.ts";
import { homes } from "./homes.ts";
import { knownAgents } from "./known-agents.ts";
import { programSends } from "./program-sends.ts";
import { pushedTurnCost } from "./pushed-turn-cost.ts";
import { turnCost } from "./turn-cost.ts";

/** `npm run bench -- --large`: with 10,000 agents, too, and thousands of messages where else hundreds have to do. */
const { large } = parseArgs({ options: { large: { type: "boolean", default: false } } }).values;

printFigures([
  conversationSteps(3_000),
  ...(await commitLatency(1, 1_000)),
  ...(await commitLatency(200, 20_000)),
  ...(await turnCost({ rounds: 5, messages: 20 })),
  ...(await pushedTurnCost({ rounds: 10, messages: large ? 200 : 20 })),
  ...(await homes(100)),
  ...(await programSends({ rounds: 5, sends: 20 })),
  ...(await knownAgents(large ? [100, 1_000, 10_000] : [100, 1_000])),
]);
