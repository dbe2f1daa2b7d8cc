import { z } from "zod";
import type { Command, CommandContext } from "../command.ts";
import { unservedAs } from "../status/served.ts";
import { unreachedWait } from "../status/transport.ts";
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

/** A listing or a push that fails now and then is nobody's trouble yet, ms. */
const patience = 60_000;

/** Whether agents are served, for whoever decides about restarts. One agent's trouble never makes it `failing`. */
export const healthQuery: Command<typeof input, typeof output, "host" | "clock" | "server" | "transport"> = {
  name: "health",
  summary: "Whether agents are served, and if not, why: fails only when nobody is.",
  guidance: "Whether the installation as a whole works. For what single agents wait for take `status`.",
  scope: "admin:read",
  changes: false,
  input,
  output,
  async run(_, context, { signal }) {
    const { host, clock, server, transport } = context;
    const only = async (machine: string) => {
      const [record] = await Array.fromAsync(host.list(server, machine));
      return record === undefined ? undefined : singleOf(record, host);
    };
    const discovery = await only("discovery");
    const space = await only("space");
    const { known, deaf, troubled, unanswered } = await count(context, signal);
    const isLong = (since: number | undefined): boolean => since !== undefined && clock.now() - since > patience;
    // Of one agent alone nobody can tell its own trouble from that of all, but where nobody would be answered.
    const isNobodyServed = known > 0 && deaf === known && (known > 1 || unanswered === known);
    const failures = [
      ...(isLong(discovery?.wait?.since) ? ["Letta's agents cannot be listed"] : []),
      ...(isNobodyServed ? ["no agent hears what is said"] : []),
      ...(known > 0 && isLong(unreachedWait(transport?.())?.since) ? ["the homeserver cannot push what is said"] : []),
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
      lists: discovery !== undefined && discovery.wait === undefined,
    };
  },
};

const kept = z.object({
  roomId: z.string().optional(),
  troubles: z.partialRecord(z.string(), z.object({ kind: z.string() })).default({}),
});

/** The kinds of a failure that whoever else asked would have met, too. */
const unansweredKinds: ReadonlySet<string> = new Set(["unreachable", "malformed"]);

async function count({ host, server }: Pick<CommandContext, "host" | "server">, signal: AbortSignal) {
  const counts = { known: 0, deaf: 0, unanswered: 0, troubled: 0 };
  for await (const record of host.list(server, "agent")) {
    signal.throwIfAborted();
    const agent = agentOf(record, host);
    if (unservedAs(agent) !== undefined) continue;
    counts.known++;
    const { roomId, troubles } = kept.parse(record.context);
    // What is wrong stays noted while it is tried again. Whatever that is of a room that is there, the agent hears in it.
    const hindering = ["account", "intake", ...(roomId === undefined ? ["room"] : [])];
    const hindrances = hindering.flatMap((concern) => troubles[concern] ?? []);
    if (hindrances.length > 0 || agent.health === "quarantined") counts.deaf++;
    if (hindrances.some(({ kind }) => unansweredKinds.has(kind))) counts.unanswered++;
    if (agent.wait !== undefined || agent.health !== "running") counts.troubled++;
  }
  return counts;
}
