import type { Content, MatrixClient } from "../matrix/port.ts";
import { isLastWord } from "./last-word.ts";
import { saidAs, transactionMarker } from "./marker.ts";
import { pastOf } from "./room-past.ts";

/** A message of ours, by the name that makes it the same message whoever sends it again. */
export interface Saying {
  readonly roomId: string;
  readonly txnId: string;
  readonly content: Content;
  /** An event that is older than it. */
  readonly after?: string;
}

const type = "m.room.message";
/** Pages that are searched, of 100 events each. */
const longestSearch = 20;

/** Says what was not said before, and gives its event id. */
export function say(client: MatrixClient, { roomId, txnId, content }: Saying, signal: AbortSignal): Promise<string> {
  return client.send(roomId, type, txnId, { ...content, [transactionMarker]: txnId }, signal);
}

/**
 * Says what may have been said before, by this process or an earlier one. No homeserver remembers a transaction id for
 * ever: Synapse for a day, Dendrite for half an hour, until its restart and for the session that sent it. The room does.
 */
export async function sayOnce(client: MatrixClient, saying: Saying, signal: AbortSignal): Promise<string> {
  return (await findSaid(client, saying, signal)) ?? (await say(client, saying, signal));
}

/** The event id of what was said already. */
export async function findSaid(
  client: MatrixClient,
  { roomId, txnId, after }: Omit<Saying, "content">,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    for await (const chunk of pastOf(client, roomId, longestSearch, signal)) {
      const said = chunk.find(({ sender, content }) => sender === client.userId && saidAs(content) === txnId);
      if (said !== undefined) return said.eventId;
      if (chunk.some(({ eventId }) => eventId === after)) return undefined;
    }
  } catch (error) {
    // Of a past that is kept from us only the transaction id tells that something was said before.
    if (!isLastWord(error)) throw error;
  }
  return undefined;
}
