import { z } from "zod";
import type { Command } from "../command.ts";
import { recordOfAgent } from "../status/find-agent.ts";
import { meantAgent, namedAgent, namesOf } from "./meant-agent.ts";

const output = z.object({
  ...namedAgent,
  state: z.enum(["paused", "serving"]).describe("`paused`: it takes in what is said, and asks Letta nothing."),
});

export type PausedOrNot = z.output<typeof output>;

const pausing = z.strictObject({
  agent: meantAgent,
  reason: z.string().trim().min(1).max(500).exactOptional().describe("Why, for operators; people are not told."),
});

/** Has an agent wait. */
export const agentsPause: Command<typeof pausing, typeof output, "host" | "server"> = {
  name: "agents.pause",
  summary: "Has an agent take in what is said to it, and ask Letta nothing until it is resumed.",
  guidance:
    "To keep an agent from working for a while. What is being answered is answered; what is said meanwhile waits, and is answered once, after `agents.resume`.",
  scope: "admin:control",
  changes: true,
  input: pausing,
  output,
  async run({ agent, reason }, { host, server }) {
    const record = await recordOfAgent(agent, host, server);
    await host.accept(record.id, { type: "PAUSE", ...(reason !== undefined && { reason }) });
    return { ...namesOf(record), state: "paused" as const };
  },
};

const resuming = z.strictObject({ agent: meantAgent });

/** Has an agent go on. */
export const agentsResume: Command<typeof resuming, typeof output, "host" | "server"> = {
  name: "agents.resume",
  summary: "Has a paused agent go on: it answers what was said meanwhile, in order.",
  guidance: "To end what `agents.pause` began. An agent that is not paused goes on as it does.",
  scope: "admin:control",
  changes: true,
  input: resuming,
  output,
  async run({ agent }, { host, server }) {
    const record = await recordOfAgent(agent, host, server);
    await host.accept(record.id, { type: "RESUME" });
    return { ...namesOf(record), state: "serving" as const };
  },
};
