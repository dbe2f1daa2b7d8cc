import { z } from "zod";
import { startAppServerStandIn } from "./app-server/stand-in.ts";
import { createAgents } from "./letta-agents.ts";
import { startModel } from "./model.ts";

/**
 * The stand-ins of Letta and of its model as a process of their own. Its agents answer at once; it makes as many as it is
 * told to, and says which they are.
 */
const { toolFolder } = z.object({ toolFolder: z.string() }).parse(JSON.parse(process.argv[2] ?? "{}"));
const order = z.object({ agents: z.number() });

process.on("disconnect", () => process.exit());

const model = await startModel({ behaviour: ({ question }) => ({ text: `You said: ${question}` }) });
const letta = await startAppServerStandIn({ model, toolFolder, leaseMs: 500 });
let made = 0;
process.on("message", async (message) => {
  const { agents } = order.parse(message);
  const names = Array.from({ length: agents }, () => `Agent ${++made}`);
  const created = await createAgents(
    letta.url,
    names.map((name) => ({ name, model: letta.modelHandle, persona: name })),
  );
  process.send?.({ agents: created });
});
process.send?.({ url: letta.url });
