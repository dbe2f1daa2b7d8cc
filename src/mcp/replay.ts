import type { EventStore, JSONRPCMessage } from "@modelcontextprotocol/server";

interface Told {
  readonly stream: string;
  readonly message: JSONRPCMessage;
  /** Characters. */
  readonly size: number;
}

/** What is kept of one session, in characters: the oldest goes first, and what is longer by itself is not kept. */
const most = 200_000;

/**
 * What one session's client was told lately, and may not have got: when its stream is cut in the middle of a call, it says
 * which event came last, and goes on from there. What is no longer kept it has to ask for again.
 */
export class Replay implements EventStore {
  readonly #most: number;
  /** By event id, oldest first. */
  readonly #told = new Map<string, Told>();
  #size = 0;
  #count = 0;

  constructor(mostKept = most) {
    this.#most = mostKept;
  }

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    this.#count += 1;
    const id = String(this.#count);
    const size = JSON.stringify(message).length;
    if (size > this.#most) return id;
    this.#told.set(id, { stream, message, size });
    this.#size += size;
    for (const [oldest, { size: freed }] of this.#told) {
      if (this.#size <= this.#most) break;
      this.#told.delete(oldest);
      this.#size -= freed;
    }
    return id;
  }

  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return this.#told.get(id)?.stream;
  }

  async replayEventsAfter(
    last: string,
    { send }: { readonly send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const stream = this.#told.get(last)?.stream;
    if (stream === undefined) throw new Error(`event ${last} is no longer kept`);
    for (const [id, told] of this.#told)
      if (told.stream === stream && Number(id) > Number(last)) await send(id, told.message);
    return stream;
  }
}
