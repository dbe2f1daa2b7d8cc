import { z } from "zod";
import type { Command } from "../command.ts";
import { agentReference } from "../reference.ts";
import { recordOfAgentLike } from "../status/find-agent.ts";
import { agentOf } from "../status/views.ts";

const input = z.strictObject({ agent: agentReference.describe("The agent: its name, id or user id.") });

const output = z.object({
  agentId: z.string(),
  name: z.string().exactOptional(),
  user: z.string().describe("Its Matrix user."),
  room: z.string().exactOptional().describe("Its own room; left out while it has none."),
});

/** Where an agent is. */
export const agentsRoom: Command<typeof input, typeof output, "host" | "server"> = {
  name: "agents.room",
  summary: "An agent's own room and its Matrix user.",
  guidance: "To find out where an agent is. To ask it something take `agents.message`, which needs no room.",
  scope: "agents:read",
  changes: false,
  input,
  output,
  async run({ agent }, { host, server }) {
    const { agentId, name, userId: user, roomId: room } = agentOf(await recordOfAgentLike(agent, host, server), host);
    return { agentId, user, ...(name !== undefined && { name }), ...(room !== undefined && { room }) };
  },
};
