import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type MatrixClient, MatrixError, type SyncFilter } from "../src/matrix/port.ts";
import { Answer } from "./answer.ts";

const filter: SyncFilter = { timelineTypes: ["m.room.message"], timelineLimit: 100, stateTypes: [] };
const pollMs = 30_000;
const retryMs = 500;

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
  let { nextBatch: since } = await persistently(() => client.sync({ timeoutMs: 0, filter }, signal), signal);
  const txnId = randomUUID();
  const content = { msgtype: "m.text", body: text, "m.mentions": {} };
  const send = () => client.send(roomId, "m.room.message", txnId, content, signal);
  const answer = new Answer(await persistently(send, signal), agentUserId);
  while (answer.outcome === undefined) {
    const poll = () => client.sync({ since, timeoutMs: pollMs, filter }, signal);
    const { nextBatch, joined } = await persistently(poll, signal);
    since = nextBatch;
    for (const event of joined.find((room) => room.roomId === roomId)?.timeline ?? [])
      if (answer.take(event)) onGrowth(answer.text);
  }
  return answer;
}

/** Tries again while the homeserver is away: the demo starts it again when it was killed. */
async function persistently<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof MatrixError && error.kind === "unreachable")) throw error;
      await sleep(retryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
