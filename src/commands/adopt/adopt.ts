import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import type { Command } from "../command.ts";
import { reference } from "../reference.ts";

const input = z.strictObject({
  agentId: reference.min(1),
  userId: reference.startsWith("@"),
  /** A secret. */
  password: z.string().min(1),
  roomId: reference.startsWith("!").exactOptional(),
  /** Says what it would do, and changes nothing. */
  dryRun: z.boolean(),
});

export const adopted = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("done"), roomId: z.string().exactOptional(), steps: z.array(z.string()) }),
  z.object({ outcome: z.literal("refused"), reason: z.string(), remedy: z.string() }),
  z.object({ outcome: z.literal("later"), reason: z.string(), retryAfterMs: z.number() }),
]);

/** Takes over one agent's user and room from another system. */
export const adoptCommand: Command<typeof input, typeof adopted, "adoption" | "host" | "server"> = {
  name: "adopt",
  summary: "Take over an agent's user and room from another system, or say what that would mean.",
  guidance: "Takes over rooms and users that another system has made, by a mapping. Try it with `dryRun` first.",
  scope: "admin:control",
  changes: true,
  input,
  output: adopted,
  async run({ dryRun, ...inherited }, { adoption, host, server }, { signal }) {
    const done = await adoption.adopt(inherited, dryRun, signal);
    const agent = addressOf.agent(server, inherited.agentId);
    // One that was kept out until now need not wait for its next try. Discovery calls all others to life.
    if (!dryRun && done.outcome === "done" && host.read(agent) !== undefined)
      await host.accept(agent, { type: "ADOPTED" });
    return done;
  },
};
