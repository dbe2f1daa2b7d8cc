import { z } from "zod";
import type { Command } from "../command.ts";
import { recordOfAgent } from "../status/find-agent.ts";
import { unservedAs } from "../status/served.ts";
import { agentOf } from "../status/views.ts";
import { meantAgent, namedAgent, namesOf } from "./meant-agent.ts";

const input = z.strictObject({ agent: meantAgent });

const output = z.object({
  ...namedAgent,
  regions: z.record(z.string(), z.string()).describe("The state of each of its regions, now that it has begun."),
});

export type Reprovisioning = z.output<typeof output>;

/** Has an agent take all steps of its provisioning again. */
export const agentsReprovision: Command<typeof input, typeof output, "host" | "server"> = {
  name: "agents.reprovision",
  summary:
    "Looks at an agent's user, profile, room and place in the space again, and puts right what is not as it should be.",
  guidance:
    "For an agent whose room or profile somebody has spoilt, or that waits to try again. Only what is missing is made. `agent` shows how far it is.",
  scope: "admin:control",
  changes: true,
  input,
  output,
  async run({ agent }, { host, server }) {
    const record = await recordOfAgent(agent, host, server);
    const life = unservedAs(agentOf(record, host));
    if (life !== undefined) throw new NotServed(agent, life);
    await host.accept(record.id, { type: "REPROVISION" });
    return { ...namesOf(record), regions: agentOf(host.read(record.id) ?? record, host).regions };
  },
};

/** The agent has nothing that could be put right; nothing was done. */
export class NotServed extends Error {
  override readonly name = "NotServed";
  readonly remedy: string;

  constructor(agent: string, life: string) {
    super(`"${agent}" is ${life}, so there is nothing of it to put right`);
    this.remedy =
      life === "disabled"
        ? "Take it off `discovery.disabled` in the configuration, and run discovery."
        : "It comes back by itself when Letta has it again.";
  }
}
