import { z } from "zod";
import type { CrashReport } from "../../runtime/crash.ts";
import type { DeadLetter } from "../../runtime/dead-letter.ts";
import type { Failure } from "../../runtime/failure.ts";
import type { JournalLine } from "../../runtime/journal.ts";
import type { ActorRecord } from "../../runtime/record.ts";
import { assertOwn } from "../access/bound.ts";
import type { Command } from "../command.ts";
import { agentReference } from "../reference.ts";
import { letterStatus } from "../supervision/dead-letters.ts";
import { recordOfAgentLike } from "./find-agent.ts";
import { type AgentDetail, agentDetail } from "./schema.ts";
import { agentOf, conversationOf, stateText, troublesOf } from "./views.ts";
import { wordsFor } from "./words.ts";

const input = z.strictObject({
  agent: agentReference.describe("The agent: its name, id in Letta or user id."),
});

/** One agent with everything that is known about how it fares. */
export const agentQuery: Command<typeof input, typeof agentDetail, "host" | "clock" | "server"> = {
  name: "agent",
  summary: "One agent: the state of each region, its conversations, its journal, its crashes, and what it waits for.",
  guidance: "One agent in detail. For all at once take `agents`.",
  scope: "agents:read",
  changes: false,
  input,
  output: agentDetail,
  async run({ agent: wanted }, { host, clock, server }, { signal, principal }) {
    signal.throwIfAborted();
    const record = await recordOfAgentLike(wanted, host, server);
    const agent = agentOf(record, host);
    assertOwn(principal, agent.agentId);
    const words = wordsFor(principal);
    const conversations: ActorRecord[] = [];
    for await (const one of host.list(server, "conversation", agent.agentId)) conversations.push(one);
    const journal = await host.journal(record.id);
    const crashes: CrashReport[] = [];
    const letters: DeadLetter[] = [];
    for (const { id } of [record, ...conversations]) {
      crashes.push(...(await host.crashes(id)));
      letters.push(...(await host.deadLetters.list(id)));
    }
    crashes.sort((a, b) => a.at - b.at);
    return {
      server,
      at: clock.now(),
      agent: words(agent),
      concerns: concernsOf(record, words),
      conversations: conversations.map((one) => words(conversationOf(one, host))),
      troubles: [record, ...conversations].flatMap((one) => troublesOf(one, host)),
      journal: journal.map(lineOf),
      crashes: crashes.map(({ error, journal: before, ...crash }) => ({
        ...crash,
        error: error.message,
        causes: causesOf(error),
        ...(error.remedy !== undefined && { remedy: error.remedy }),
        journal: before.map(lineOf),
      })),
      deadLetters: letters.map(letterStatus),
    };
  },
};

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

function concernsOf({ context }: ActorRecord, words: ReturnType<typeof wordsFor>): AgentDetail["concerns"] {
  return Object.entries(troubled.parse(context).troubles).map(([concern, trouble]) => {
    const { tries, wait } = words(trouble);
    return { concern, tries, ...wait };
  });
}

function causesOf({ cause }: Failure): string[] {
  return cause === undefined ? [] : [cause.message, ...causesOf(cause)];
}

function lineOf({ from, to, effects, ...line }: JournalLine): AgentDetail["journal"][number] {
  return { ...line, ...(from !== undefined && { from: stateText(from) }), to: stateText(to), effects: [...effects] };
}
