import { ClientServerClient } from "../client.ts";
import type { OnMalformed } from "../event.ts";
import type { Caller } from "../matrix-api.ts";
import type { Content, Sent } from "../port.ts";

/** A client that tells what its user says. */
export class ActingClient extends ClientServerClient {
  readonly #onSent: (sent: Sent) => void;

  constructor(userId: string, api: Caller, onMalformed: OnMalformed, onSent: (sent: Sent) => void) {
    super(userId, api, onMalformed);
    this.#onSent = onSent;
  }

  override async send(
    roomId: string,
    type: string,
    txnId: string,
    content: Content,
    signal: AbortSignal,
    at?: number,
  ): Promise<string> {
    const eventId = await super.send(roomId, type, txnId, content, signal, at);
    // What was said long ago has that as its time.
    if (at === undefined) this.#onSent({ userId: this.userId, roomId, eventId });
    return eventId;
  }
}
