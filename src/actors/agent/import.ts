import type { Utterance } from "../../letta/port.ts";
import type { agentMachine } from "../../machines/agent/index.ts";
import type { Content, MatrixClient, MatrixEvent } from "../../matrix/port.ts";
import { transactionId } from "../../matrix/transaction-id.ts";
import type { ChildEffects } from "../../runtime/effect.ts";
import { historicalMark, historyMarker, importedMessageOf } from "../marker.ts";
import type { Sessions } from "../sessions.ts";
import { shortened } from "./contents.ts";
import { heardTypes } from "./read-back.ts";

type AgentEffects = ChildEffects<typeof agentMachine>;

/** The agent's own past, as Letta has it: the last so many messages, the oldest first. */
export type HistoryOf = (agentId: string, limit: number, signal: AbortSignal) => Promise<readonly Utterance[]>;

export interface HistoryOptions {
  /** How many messages are told; 0 for none. */
  readonly limit: number;
}

/** Longer messages are told in part: it is to remind, not to archive. */
const longestText = 8_000;
const mostPages = 20;

/**
 * Tells in a new room what was said in Letta before. What the room has of it already is not told again, and nothing is
 * told any more once somebody has spoken there: it would come after what it was said before.
 */
export function importHistory(
  sessions: Sessions,
  historyOf: HistoryOf,
  options: HistoryOptions,
): AgentEffects["importHistory"] {
  return async ({ userId, agentId, name, roomId }, { signal }) => {
    const { limit } = options;
    if (limit === 0) return;
    const past = await historyOf(agentId, limit, signal);
    if (past.length === 0) return;
    const client = sessions.as(userId);
    const told = await toldIn(client, roomId, signal);
    if (told === undefined) return;
    for (const one of past) {
      if (told.has(one.id)) continue;
      const txnId = transactionId({
        agent: userId,
        room: roomId,
        type: "m.room.message",
        cause: `history ${agentId} ${one.id}`,
        part: "import",
      });
      await client.send(roomId, "m.room.message", txnId, contentOf(one, name), signal, one.at);
    }
  };
}

/** Which messages the room has already; `undefined` when somebody has spoken in it. */
async function toldIn(client: MatrixClient, roomId: string, signal: AbortSignal): Promise<Set<string> | undefined> {
  const told = new Set<string>();
  let from: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const request = { dir: "b", limit: 100, types: heardTypes, ...(from !== undefined && { from }) } as const;
    const { chunk, end }: Awaited<ReturnType<MatrixClient["messages"]>> = await client.messages(
      roomId,
      request,
      signal,
    );
    for (const event of chunk) {
      const message = importedBy(client.userId, event);
      if (message === undefined) return undefined;
      told.add(message);
    }
    if (end === undefined || end === from) break;
    from = end;
  }
  return told;
}

function importedBy(userId: string, { sender, content }: MatrixEvent): string | undefined {
  return sender === userId ? importedMessageOf(content) : undefined;
}

function contentOf({ id, speaker, text }: Utterance, name: string): Content {
  const characters = [...text.toWellFormed()];
  const shown =
    characters.length > longestText ? `${characters.slice(0, longestText).join("")} …` : text.toWellFormed();
  return {
    msgtype: "m.notice",
    body: `${speaker === "agent" ? shortened(name) : "User"}: ${shown}`,
    "m.mentions": {},
    [historicalMark]: true,
    [historyMarker]: { message: id, speaker },
  };
}
