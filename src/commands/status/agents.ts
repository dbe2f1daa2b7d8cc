import { z } from "zod";
import type { ActorRecord } from "../../runtime/record.ts";
import type { Command } from "../command.ts";
import { agentList } from "./schema.ts";
import { agentOf } from "./views.ts";

const input = z.strictObject({
  limit: z.int().min(1).max(1_000).exactOptional().describe("How many at most."),
  cursor: z.string().min(1).max(600).exactOptional().describe("`next` of the page before."),
});

/** All agents, as their own records tell of them. */
export const agentsQuery: Command<typeof input, typeof agentList, "host" | "clock" | "server"> = {
  name: "agents",
  summary: "All agents: their users, their rooms, the state of each region, and what they wait for.",
  guidance: "All agents at once, with their users and rooms. For one agent in detail take `agent`.",
  scope: "agents:read",
  changes: false,
  input,
  output: agentList,
  async run({ limit = Number.POSITIVE_INFINITY, cursor }, { host, clock, server }, { signal }) {
    signal.throwIfAborted();
    const records: ActorRecord[] = [];
    for await (const record of host.list(server, "agent")) {
      if (cursor !== undefined && record.id <= cursor) continue;
      records.push(record);
      if (records.length > limit) break;
    }
    const shown = records.slice(0, limit);
    const last = shown.at(-1);
    return {
      server,
      at: clock.now(),
      agents: shown.map((record) => agentOf(record, host)),
      ...(records.length > shown.length && last !== undefined && { next: last.id }),
    };
  },
};
