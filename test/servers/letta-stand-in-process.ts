import { z } from "zod";
import { startAppServerStandIn } from "./app-server/stand-in.ts";
import { createAgents } from "./letta-agents.ts";
import { startModel } from "./model.ts";

/** The stand-ins of Letta and of its model as a process of their own, with so many agents that answer at once. */
const { agents, toolFolder } = z
  .object({ agents: z.number(), toolFolder: z.string() })
  .parse(JSON.parse(process.argv[2] ?? "{}"));

process.on("disconnect", () => process.exit());

const model = await startModel({ behaviour: ({ question }) => ({ text: `You said: ${question}` }) });
const letta = await startAppServerStandIn({ model, toolFolder, leaseMs: 500 });
const names = Array.from({ length: agents }, (_, n) => `Agent ${n + 1}`);
await createAgents(
  letta.url,
  names.map((name) => ({ name, model: letta.modelHandle, persona: name })),
);
process.send?.({ url: letta.url });
