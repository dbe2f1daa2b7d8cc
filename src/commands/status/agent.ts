import { z } from "zod";
import { addressOf } from "../../machines/addresses.ts";
import type { CrashReport } from "../../runtime/crash.ts";
import type { Host } from "../../runtime/host.ts";
import type { JournalLine } from "../../runtime/journal.ts";
import type { ActorRecord } from "../../runtime/record.ts";
import type { Command } from "../command.ts";
import { type AgentDetail, agentDetail } from "./schema.ts";
import { agentOf, conversationOf, stateText, troublesOf } from "./views.ts";

const input = z.strictObject({
  /** Its id in Letta, its user id, or its name. */
  agent: z.string().min(1),
});

/** One agent with everything that is known about how it fares. */
export const agentQuery: Command<typeof input, typeof agentDetail, "host" | "clock" | "server"> = {
  name: "agent",
  summary: "One agent: the state of each region, its conversations, its journal, its crashes, and what it waits for.",
  scope: "actors:read",
  input,
  output: agentDetail,
  async run({ agent: wanted }, { host, clock, server }, { signal }) {
    signal.throwIfAborted();
    const record = host.read(addressOf.agent(server, wanted)) ?? (await named(wanted, host, server));
    const agent = agentOf(record, host);
    const conversations: ActorRecord[] = [];
    for await (const one of host.list(server, "conversation"))
      if (one.context["agentId"] === agent.agentId) conversations.push(one);
    const journal = await host.journal(record.id);
    const crashes: CrashReport[] = [];
    for (const { id } of [record, ...conversations]) crashes.push(...(await host.crashes(id)));
    crashes.sort((a, b) => a.at - b.at);
    return {
      server,
      at: clock.now(),
      agent,
      concerns: concernsOf(record),
      conversations: conversations.map((one) => conversationOf(one, host)),
      troubles: [record, ...conversations].flatMap((one) => troublesOf(one, host)),
      journal: journal.map(lineOf),
      crashes: crashes.map(({ id, actor, at, incarnation, stimulus, error: { message, remedy } }) => ({
        id,
        actor,
        at,
        incarnation,
        stimulus,
        error: message,
        ...(remedy !== undefined && { remedy }),
      })),
    };
  },
};

async function named(wanted: string, host: Pick<Host, "list" | "health">, server: string): Promise<ActorRecord> {
  const found: ActorRecord[] = [];
  for await (const record of host.list(server, "agent")) {
    const { name, userId } = agentOf(record, host);
    if (userId === wanted) return record;
    if (name?.toLowerCase() === wanted.toLowerCase()) found.push(record);
  }
  const [only, ...others] = found;
  if (only === undefined) throw new NoSuchAgent(`there is no agent "${wanted}"`, "`letta-matrix agents` lists them.");
  if (others.length === 0) return only;
  const ids = found.map((record) => agentOf(record, host).agentId);
  throw new NoSuchAgent(`${found.length} agents are called "${wanted}"`, `Name one by its id: ${ids.join(", ")}.`);
}

/** No agent, or more than one, is meant by what was given. */
export class NoSuchAgent extends Error {
  override readonly name = "NoSuchAgent";
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

const troubled = z.object({
  troubles: z
    .record(
      z.string(),
      z.object({
        tries: z.number(),
        wait: z.object({ reason: z.string(), remedy: z.string().exactOptional(), since: z.number() }),
      }),
    )
    .default({}),
});

function concernsOf({ context }: ActorRecord): AgentDetail["concerns"] {
  return Object.entries(troubled.parse(context).troubles).map(([concern, { tries, wait }]) => ({
    concern,
    tries,
    ...wait,
  }));
}

function lineOf({ from, to, effects, ...line }: JournalLine): AgentDetail["journal"][number] {
  return { ...line, ...(from !== undefined && { from: stateText(from) }), to: stateText(to), effects: [...effects] };
}
