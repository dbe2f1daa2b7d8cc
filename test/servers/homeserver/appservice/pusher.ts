import type { Homeserver } from "../homeserver.ts";
import type { PlacedInRoom } from "../state.ts";
import type { Appservice } from "./registration.ts";

/** Brings to one application service what concerns it. */
export interface Pusher {
  /** Something may have happened. */
  look(): void;
  /** It is just trying again to bring what it could not. */
  readonly isRetrying: boolean;
  /** The application service was reached by a ping. */
  pinged(): void;
}

/** An application service takes its time to write down what it is given. */
const longestRequest = 60_000;

/** Whether it concerns the application service: one of its users is in the room or is meant, or the room has its alias. */
export function concerns(homeserver: Homeserver, appservice: Appservice, { room, placed }: PlacedInRoom): boolean {
  const { sender, type, state_key: key } = placed.event;
  if (appservice.covers(sender) || (type === "m.room.member" && appservice.covers(key ?? ""))) return true;
  if (room.joined.some((userId) => appservice.covers(userId))) return true;
  for (const [alias, { roomId }] of homeserver.state.aliases)
    if (roomId === room.id && appservice.coversAlias(alias)) return true;
  return false;
}

/** Whether the application service has taken them. */
export async function push(
  homeserver: Homeserver,
  { registration }: Appservice,
  txnId: string,
  events: readonly object[],
): Promise<boolean> {
  const query = homeserver.appserviceOddities.tokenInQuery ? `?access_token=${registration.hsToken}` : "";
  const url = `${registration.url}/_matrix/app/v1/transactions/${encodeURIComponent(txnId)}${query}`;
  try {
    const response = await fetch(url, {
      method: "PUT",
      headers: { authorization: `Bearer ${registration.hsToken}`, "content-type": "application/json" },
      body: JSON.stringify({ events }),
      signal: AbortSignal.timeout(longestRequest),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** Asks the application service whether it is there. */
export async function pingOf({ registration }: Appservice, txnId: unknown): Promise<Response> {
  return fetch(`${registration.url}/_matrix/app/v1/ping`, {
    method: "POST",
    headers: { authorization: `Bearer ${registration.hsToken}`, "content-type": "application/json" },
    body: JSON.stringify(typeof txnId === "string" ? { transaction_id: txnId } : {}),
    signal: AbortSignal.timeout(longestRequest),
  });
}
