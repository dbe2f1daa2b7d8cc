import {
  type EventStore,
  isJSONRPCErrorResponse,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type RequestId,
} from "@modelcontextprotocol/server";

/** Of one session, in characters: the oldest goes first, and what is longer by itself is not kept. */
const mostKept = 400_000;
/** Calls of which it is known that they were answered, whether or not the answer is kept. */
const mostAnswered = 200;

const notKept = {
  code: -32_000,
  message: "this was answered while your connection was cut, and the answer is no longer kept: ask again",
};

interface Told {
  readonly stream: string;
  readonly message: JSONRPCMessage;
  readonly size: number;
}

/**
 * What one session's client was told lately, and may not have got: when its stream is cut in the middle of a call, it says
 * which event came last, and goes on from there. Of an answer that is no longer kept it is told that.
 */
export class Replay implements EventStore {
  readonly #most: number;
  /** By their numbers, oldest first. */
  readonly #told = new Map<number, Told>();
  /** By stream: the call that it was for, and the number of the answer. */
  readonly #answered = new Map<string, { readonly number: number; readonly id: RequestId }>();
  #size = 0;
  #count = 0;

  constructor(most = mostKept) {
    this.#most = most;
  }

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    this.#count += 1;
    const id = answeredBy(message);
    if (id !== undefined) this.#answered.set(stream, { number: this.#count, id });
    for (const oldest of this.#answered.keys()) {
      if (this.#answered.size <= mostAnswered) break;
      this.#answered.delete(oldest);
    }
    this.#keep({ stream, message, size: JSON.stringify(message).length });
    return idOf(stream, this.#count);
  }

  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return partsOf(id)?.stream;
  }

  async replayEventsAfter(
    last: string,
    { send }: { readonly send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const { stream, number: after } = partsOf(last) ?? { stream: "", number: 0 };
    for (const [number, told] of this.#told)
      if (told.stream === stream && number > after) await send(idOf(stream, number), told.message);
    const answered = this.#answered.get(stream);
    if (answered !== undefined && answered.number > after && !this.#told.has(answered.number))
      await send(idOf(stream, answered.number), { jsonrpc: "2.0", id: answered.id, error: notKept });
    return stream;
  }

  #keep(told: Told): void {
    if (told.size > this.#most) return;
    this.#told.set(this.#count, told);
    this.#size += told.size;
    for (const [oldest, { size }] of this.#told) {
      if (this.#size <= this.#most) break;
      this.#told.delete(oldest);
      this.#size -= size;
    }
  }
}

function answeredBy(message: JSONRPCMessage): RequestId | undefined {
  return isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message) ? message.id : undefined;
}

/** A stream is known by its events' ids, also when none of them is kept any more. */
function idOf(stream: string, number: number): string {
  return `${number}~${stream}`;
}

function partsOf(id: string): { readonly stream: string; readonly number: number } | undefined {
  const [, number, stream] = /^(\d{1,15})~(.+)$/.exec(id) ?? [];
  return number === undefined || stream === undefined ? undefined : { stream, number: Number(number) };
}
