import { z } from "zod";
import type { ActorId } from "../../runtime/actor-id.ts";
import type { Command } from "../command.ts";
import { recordOfAgent } from "../status/find-agent.ts";
import { isOfAgent, meantAgent, namedAgent, namesOf } from "./meant-agent.ts";

const input = z.strictObject({ agent: meantAgent });

const output = z.object({
  ...namedAgent,
  actors: z
    .array(z.string())
    .describe("Those that were restarted. The others are at rest: they begin anew with what comes next in any case."),
});

export type Restarted = z.output<typeof output>;

/** Stops and starts an agent's actors. */
export const agentsRestart: Command<typeof input, typeof output, "host" | "server"> = {
  name: "agents.restart",
  summary: "Stops and starts an agent and its conversations: what they were doing begins again, and nothing is lost.",
  guidance:
    "For an agent that is stuck. Its crashes are forgotten, and it leaves quarantine; a running turn is followed further.",
  scope: "admin:control",
  changes: true,
  input,
  output,
  async run({ agent }, { host, server }, { signal }) {
    const record = await recordOfAgent(agent, host, server);
    const named = namesOf(record);
    // Some crash before they have a record.
    const meant = new Set([record.id, ...host.quarantined().filter((actor) => isOfAgent(actor, named.agentId))]);
    for await (const { id } of host.list(server, "conversation", named.agentId)) meant.add(id);
    signal.throwIfAborted();
    const restarted = await Promise.all(
      [...meant].map(async (actor): Promise<ActorId[]> => ((await host.restart(actor)) ? [actor] : [])),
    );
    return { ...named, actors: restarted.flat() };
  },
};
