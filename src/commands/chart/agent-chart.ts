import { z } from "zod";
import { stateIds } from "../../runtime/state-ids.ts";
import { assertOwn } from "../access/bound.ts";
import type { Command } from "../command.ts";
import { agentReference } from "../reference.ts";
import { recordOfAgentLike } from "../status/find-agent.ts";
import { agentOf } from "../status/views.ts";
import { renderActive } from "./render.ts";

const input = z.strictObject({
  agent: agentReference.describe("The agent: its name, id in Letta or user id."),
});

const output = z.object({
  agentId: z.string(),
  name: z.string().exactOptional(),
  chart: z.string().describe("Whose structure it is; the same for all agents."),
  version: z.int(),
  active: z.array(z.string()).describe("The states in which the agent is, the inner ones last."),
  mermaid: z.string().describe("The chart as a Mermaid state diagram, with the active states marked."),
});

/** An agent's chart, and where in it the agent is. */
export const agentsChart: Command<typeof input, typeof output, "host" | "server"> = {
  name: "agents.chart",
  summary: "An agent's chart as a diagram, and the states in which the agent is.",
  guidance:
    "To see what an agent can do next, and where it is. For what it waits for and what has happened take `agent`.",
  scope: "agents:read",
  changes: false,
  input,
  output,
  async run({ agent: wanted }, { host, server }, { principal }) {
    const record = await recordOfAgentLike(wanted, host, server);
    const { agentId, name } = agentOf(record, host);
    assertOwn(principal, agentId);
    const active = stateIds(record.machine, record.value);
    return {
      agentId,
      ...(name !== undefined && { name }),
      chart: record.machine,
      version: record.version,
      active: [...active],
      mermaid: renderActive(record.machine, active),
    };
  },
};
