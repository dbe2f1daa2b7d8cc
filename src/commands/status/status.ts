import { z } from "zod";
import { partsOf } from "../../runtime/actor-id.ts";
import type { ActorRecord } from "../../runtime/record.ts";
import type { Command } from "../command.ts";
import { status } from "./schema.ts";
import { agentOf, conversationOf, coreUserOf, singleOf, troublesOf } from "./views.ts";

const input = z.strictObject({});

/** What runs, in which state, and what it waits for. */
export const statusQuery: Command<typeof input, typeof status, "host" | "clock" | "server" | "transport"> = {
  name: "status",
  summary: "Agents and conversations with their states, what they wait for, and what has crashed.",
  guidance:
    "How the whole installation is doing: servers, space, discovery and numbers of agents. For one agent take `agent`.",
  scope: "admin:read",
  changes: false,
  input,
  output: status,
  async run(_, { host, clock, server, transport }, { signal }) {
    const all = async (machine: string): Promise<readonly ActorRecord[]> => {
      signal.throwIfAborted();
      return Array.fromAsync(host.list(server, machine));
    };
    const discovery = await all("discovery");
    const space = await all("space");
    const coreUsers = await all("core-user");
    const agents = await all("agent");
    const conversations = await all("conversation");
    const known = [discovery, space, coreUsers, agents, conversations].flat();
    // Some crash before they have a record.
    const others = host.quarantined().filter((id) => known.every((record) => record.id !== id));
    return {
      server,
      at: clock.now(),
      ...(transport !== undefined && { transport: transport() }),
      ...singleOf("discovery", discovery, host),
      ...singleOf("space", space, host),
      coreUsers: coreUsers.map((record) => coreUserOf(record, host)),
      agents: agents.map((record) => agentOf(record, host)),
      conversations: conversations.map((record) => conversationOf(record, host)),
      troubles: [...known, ...others.map((id) => ({ id, machine: partsOf(id).machine }))].flatMap((actor) =>
        troublesOf(actor, host),
      ),
    };
  },
};
