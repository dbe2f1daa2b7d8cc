import { z } from "zod";
import type { Command } from "../command.ts";
import { agentList } from "./schema.ts";
import { agentOf } from "./views.ts";

const input = z.strictObject({});

/** All agents, as their own records tell of them. */
export const agentsQuery: Command<typeof input, typeof agentList, "host" | "clock" | "server"> = {
  name: "agents",
  summary: "All agents: their users, their rooms, the state of each region, and what they wait for.",
  guidance: "All agents at once, with their users and rooms. For one agent in detail take `agent`.",
  scope: "agents:read",
  changes: false,
  input,
  output: agentList,
  async run(_, { host, clock, server }, { signal }) {
    signal.throwIfAborted();
    const records = await Array.fromAsync(host.list(server, "agent"));
    return { server, at: clock.now(), agents: records.map((record) => agentOf(record, host)) };
  },
};
