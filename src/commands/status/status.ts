import { z } from "zod";
import { partsOf } from "../../runtime/actor-id.ts";
import type { ActorRecord } from "../../runtime/record.ts";
import type { Command } from "../command.ts";
import { status, type TroubleStatus } from "./schema.ts";
import { agentOf, conversationOf, coreUserOf, singleOf, troublesOf } from "./views.ts";

const input = z.strictObject({});

/** What runs, in which state, and what it waits for. */
export const statusQuery: Command<typeof input, typeof status, "host" | "clock" | "server" | "transport"> = {
  name: "status",
  summary: "Agents and conversations with their states, what they wait for, and what has crashed.",
  guidance: "How the whole installation is doing. For one agent take `agent`.",
  scope: "admin:read",
  changes: false,
  input,
  output: status,
  async run(_, { host, clock, server, transport }, { signal }) {
    const troubles: TroubleStatus[] = [];
    // Each record is let go of at once: thousands of them are a lot to hold.
    const all = async <T>(machine: string, view: (record: ActorRecord) => T): Promise<T[]> => {
      signal.throwIfAborted();
      const views: T[] = [];
      for await (const record of host.list(server, machine)) {
        views.push(view(record));
        troubles.push(...troublesOf(record, host));
      }
      return views;
    };
    const [discovery] = await all("discovery", (record) => singleOf(record, host));
    const [space] = await all("space", (record) => singleOf(record, host));
    const coreUsers = await all("core-user", (record) => coreUserOf(record, host));
    const agents = await all("agent", (record) => agentOf(record, host));
    const conversations = await all("conversation", (record) => conversationOf(record, host));
    // Some crash before they have a record.
    for (const id of host.quarantined())
      if (troubles.every(({ actor }) => actor !== id))
        troubles.push(...troublesOf({ id, machine: partsOf(id).machine }, host));
    return {
      server,
      at: clock.now(),
      ...(transport !== undefined && { transport: transport() }),
      ...(discovery !== undefined && { discovery }),
      ...(space !== undefined && { space }),
      coreUsers,
      agents,
      conversations,
      troubles,
    };
  },
};
