import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import type { Command } from "../command.ts";
import { stateText } from "../status/views.ts";
import { found } from "./found.ts";

const input = z.strictObject({});

const pass = z.object({ at: z.number(), found });

const output = z.object({
  server: z.string(),
  at: z.number(),
  state: z.enum(["never", "listing", "waiting", "backingOff"]).describe("`never`: nothing was ever listed."),
  last: pass.exactOptional().describe("The last complete listing; left out while there was none."),
  next: z.number().exactOptional().describe("When it is listed again by itself; left out while it is being listed."),
  error: z
    .object({ reason: z.string(), remedy: z.string().exactOptional(), since: z.number() })
    .exactOptional()
    .describe("Why there has been no complete listing since then."),
});

const kept = z.object({ last: pass.optional(), wait: output.shape.error.optional() });
const known = output.shape.state.catch("listing");

/** How discovery is doing; it lists nothing. */
export const discoveryQuery: Command<typeof input, typeof output, "host" | "clock" | "server"> = {
  name: "discovery",
  summary:
    "When Letta's agents were last listed, what was found, when they are listed next, and what keeps that from it.",
  guidance: "How discovery is doing. To list the agents now take `discovery.run`.",
  scope: "admin:read",
  changes: false,
  input,
  output,
  async run(_, { host, clock, server }) {
    const record = host.read(addressOf.discovery(server));
    const about = { server, at: clock.now() };
    if (record === undefined) return { ...about, state: "never" as const };
    const { last, wait } = kept.parse(record.context);
    const [timer] = Object.values(record.timers);
    return {
      ...about,
      state: known.parse(stateText(record.value)),
      ...(last !== undefined && { last }),
      ...(timer !== undefined && { next: timer.due }),
      ...(wait !== undefined && { error: wait }),
    };
  },
};
