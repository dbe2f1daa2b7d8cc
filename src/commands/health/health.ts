import { z } from "zod";
import type { Command, CommandContext } from "../command.ts";
import { agentOf, singleOf } from "../status/views.ts";

const input = z.strictObject({});

const output = z.object({
  /** `failing` when nobody is served, `degraded` when somebody is not. */
  verdict: z.enum(["healthy", "degraded", "failing"]),
  /** Why it is not healthy, in sentences without names of agents or people. */
  reasons: z.array(z.string()),
  /** The bot's user is logged in, as far as is known. */
  authenticated: z.boolean(),
  /** Letta's agents could be listed when they were last. */
  lists: z.boolean(),
});

/** A listing that fails now and then is nobody's trouble yet, ms. */
const lettaPatience = 60_000;
/** In these an agent hears what is said, or will as soon as it has a room. */
const hearing: ReadonlySet<string> = new Set(["polling", "pushed", "catchingUp", "deaf"]);

/** Whether agents are served, for whoever decides about restarts. One agent's trouble never makes it `failing`. */
export const healthQuery: Command<typeof input, typeof output, "host" | "clock" | "server"> = {
  name: "health",
  summary: "Whether agents are served, and if not, why: fails only when nobody is.",
  guidance: "Whether the installation as a whole works. For what single agents wait for take `status`.",
  scope: "admin:read",
  changes: false,
  input,
  output,
  async run(_, context, { signal }) {
    const { host, clock, server } = context;
    const only = async (machine: string) => {
      const [record] = await Array.fromAsync(host.list(server, machine));
      return record === undefined ? undefined : singleOf(record, host);
    };
    const discovery = await only("discovery");
    const space = await only("space");
    const { known, deaf, troubled } = await count(context, signal);
    const since = discovery?.wait?.since;
    const isLettaGone = since !== undefined && clock.now() - since > lettaPatience;
    const failures = [
      ...(isLettaGone ? ["Letta's agents cannot be listed"] : []),
      ...(known > 0 && deaf === known ? ["no agent hears what is said"] : []),
    ];
    const lesser = [
      ...(troubled > 0 ? [`${troubled} of ${known} agents are in trouble`] : []),
      ...(host.quarantined().length > 0 ? [`${host.quarantined().length} actors are in quarantine`] : []),
      ...(space?.wait === undefined ? [] : ["the space is not as it should be"]),
    ];
    return {
      verdict: failures.length > 0 ? "failing" : lesser.length > 0 ? "degraded" : "healthy",
      reasons: [...failures, ...lesser],
      authenticated: space !== undefined && space.wait === undefined,
      lists: discovery !== undefined && since === undefined,
    };
  },
};

async function count({ host, server }: Pick<CommandContext, "host" | "server">, signal: AbortSignal) {
  const counts = { known: 0, deaf: 0, troubled: 0 };
  for await (const record of host.list(server, "agent")) {
    signal.throwIfAborted();
    const { regions, wait, health } = agentOf(record, host);
    if (regions["life"]?.startsWith("retired") === true) continue;
    counts.known++;
    const intake = regions["intake"]?.split(".")[0] ?? "";
    if (!hearing.has(intake) || health === "quarantined") counts.deaf++;
    if (wait !== undefined || health !== "running") counts.troubled++;
  }
  return counts;
}
