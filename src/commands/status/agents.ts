import { z } from "zod";
import type { ActorRecord } from "../../runtime/record.ts";
import type { Command } from "../command.ts";
import { pageAfter, paging, placeIn } from "../paging.ts";
import { agentList } from "./schema.ts";
import { agentOf } from "./views.ts";
import { wordsFor } from "./words.ts";

const input = z.strictObject(paging);
const list = "agents";

/** All agents, as their own records tell of them. */
export const agentsQuery: Command<typeof input, typeof agentList, "host" | "clock" | "server"> = {
  name: "agents",
  summary: "All agents: their users, their rooms, the state of each region, and what they wait for.",
  guidance: "To see who is there. For one agent in detail take `agent`.",
  scope: "agents:read",
  changes: false,
  input,
  output: agentList,
  async run(asked, { host, clock, server }, { signal, principal }) {
    signal.throwIfAborted();
    const { limit = Number.POSITIVE_INFINITY } = asked;
    const words = wordsFor(principal);
    const after = placeIn(list, asked);
    const records: ActorRecord[] = [];
    for await (const record of host.list(server, "agent")) {
      if (record.id <= after) continue;
      records.push(record);
      if (records.length > limit) break;
    }
    const shown = records.slice(0, limit);
    const last = shown.at(-1);
    return {
      server,
      at: clock.now(),
      agents: shown.map((record) => words(agentOf(record, host))),
      ...(records.length > shown.length && last !== undefined && pageAfter(list, last.id)),
    };
  },
};
