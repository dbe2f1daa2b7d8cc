import { randomUUID } from "node:crypto";
import type { MatrixClient, SyncFilter } from "../src/matrix/port.ts";
import { Answer } from "./answer.ts";

const filter: SyncFilter = { timelineTypes: ["m.room.message"], timelineLimit: 100, stateTypes: [] };
const pollMs = 30_000;

export interface Asked {
  readonly roomId: string;
  /** The user of the agent that lives there. */
  readonly agentUserId: string;
  readonly text: string;
}

/**
 * Sends a message into an agent's room and watches until its answer is complete. `onGrowth` gets the whole text each
 * time there is more of it. Rejects with the signal's reason when that is aborted first.
 */
export async function ask(
  client: MatrixClient,
  { roomId, agentUserId, text }: Asked,
  onGrowth: (text: string) => void,
  signal: AbortSignal,
): Promise<Answer> {
  let { nextBatch: since } = await client.sync({ timeoutMs: 0, filter }, signal);
  const question = await client.send(
    roomId,
    "m.room.message",
    randomUUID(),
    { msgtype: "m.text", body: text, "m.mentions": {} },
    signal,
  );
  const answer = new Answer(question, agentUserId);
  while (answer.outcome === undefined) {
    const { nextBatch, joined } = await client.sync({ since, timeoutMs: pollMs, filter }, signal);
    since = nextBatch;
    for (const event of joined.find((room) => room.roomId === roomId)?.timeline ?? [])
      if (answer.take(event)) onGrowth(answer.text);
  }
  return answer;
}
