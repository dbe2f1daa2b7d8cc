import type { FastifyReply, FastifyRequest } from "fastify";
import type { News } from "../../commands/command.ts";
import type { Cancel, Clock } from "../../runtime/clock.ts";
import { problemOf, type Told } from "../problem.ts";

/** So often something is sent at least, ms: else somebody in between takes the connection for dead. */
const sign = 15_000;

export function wantsStream({ headers: { accept = "" } }: Pick<FastifyRequest, "headers">): boolean {
  return accept.split(",").some((type) => type.trim().split(";")[0] === "text/event-stream");
}

/**
 * Tells what comes of a request as server-sent events. It begins with the first news, so that what is refused before is
 * refused as ever.
 */
export class EventStream {
  readonly #reply: FastifyReply;
  readonly #requestId: string;
  readonly #clock: Pick<Clock, "schedule">;
  #isOpen = false;
  #cancelSign: Cancel = () => undefined;

  constructor(reply: FastifyReply, requestId: string, clock: Pick<Clock, "schedule">) {
    this.#reply = reply;
    this.#requestId = requestId;
    this.#clock = clock;
  }

  /** A draft that a slow reader cannot take is left out: the next has it all. */
  tell({ event, data }: News): void {
    this.#open();
    if (event !== "draft" || !this.#reply.raw.writableNeedDrain) this.#send(event, data);
  }

  /** `result` is what would be answered without a stream. */
  end(result: unknown): void {
    this.#open();
    this.#send("end", result);
    this.#close();
  }

  /** Gives what was told of it. Throws the error again when nothing was told yet. */
  fail(error: unknown): Told {
    if (!this.#isOpen) throw error;
    const told = problemOf(error, this.#requestId);
    this.#send("problem", told.problem);
    this.#close();
    return told;
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#reply.hijack();
    const { raw } = this.#reply;
    for (const [name, value] of Object.entries(this.#reply.getHeaders()))
      if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
    this.#signLater();
  }

  #signLater(): void {
    this.#cancelSign = this.#clock.schedule(sign, () => {
      if (!this.#reply.raw.writableNeedDrain) this.#reply.raw.write(":\n\n");
      this.#signLater();
    });
  }

  #send(event: string, data: unknown): void {
    this.#reply.raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #close(): void {
    this.#cancelSign();
    this.#reply.raw.end();
  }
}
