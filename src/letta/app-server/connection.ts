import { WebSocket } from "ws";
import type { z } from "zod";
import type { LettaError } from "../port.ts";
import type { StartTimer } from "../timer.ts";
import { unlessAborted } from "../unless-aborted.ts";
import { limited, malformed, refused, refusedByServer, unreachable } from "./errors.ts";
import { FrameReader, type Ignored } from "./frame-reader.ts";
import type { Reply, RuntimeFrame } from "./frames.ts";

export interface ConnectionOptions {
  /** `ws://HOST:PORT/ws` */
  readonly url: string;
  /** Capability or signed token, when the server asks for one. A secret. */
  readonly token?: string;
  readonly startTimer: StartTimer;
  /** How long a reply may take, ms. Letta gives none at all to what it does not know. */
  readonly replyWithinMs?: number;
  /** How often the server has to show that it is there, ms. */
  readonly pingEveryMs?: number;
  /** Longer frames are not read. */
  readonly maxFrameBytes?: number;
}

export interface ConnectionListener {
  frame(frame: RuntimeFrame): void;
  /** The socket is gone, and with it all that the server knew of this client. */
  lost(error: LettaError): void;
}

export interface Command {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Sends a command and gives its reply. */
export type Request = <T>(
  command: Command,
  schema: z.ZodType<T>,
  signal: AbortSignal,
  requestId?: string,
) => Promise<T>;

interface Waiting {
  readonly type: string;
  settle(outcome: Reply | LettaError): void;
}

const defaults = { replyWithinMs: 30_000, pingEveryMs: 15_000, maxFrameBytes: 32 * 1024 * 1024 };
/** Beyond it the socket has to be given up: `ws` holds a frame in memory until it is complete. */
const hardLimitFactor = 4;

/** One socket for all runtimes. Opened when it is needed, and anew when it was lost. */
export class AppServerConnection {
  readonly #options: ConnectionOptions & typeof defaults;
  readonly #listener: ConnectionListener;
  readonly #reader: FrameReader;
  readonly #waiting = new Map<string, Waiting>();
  #opening: Promise<WebSocket> | undefined;
  /** Not open yet. */
  #connecting: WebSocket | undefined;
  #requests = 0;
  #closed = false;

  constructor(options: ConnectionOptions, listener: ConnectionListener) {
    this.#options = { ...defaults, ...options };
    this.#listener = listener;
    this.#reader = new FrameReader(this.#options.maxFrameBytes);
  }

  /** Frames that were let pass since the start. */
  get ignored(): Readonly<Record<Ignored, number>> {
    return this.#reader.ignored;
  }

  nextRequestId(): string {
    this.#requests += 1;
    return `letta-matrix-${this.#requests}`;
  }

  /** Sends a command and gives its reply, read by `schema`. A reply that says no is thrown. */
  async request<T>(
    command: Command,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    requestId = this.nextRequestId(),
  ): Promise<T> {
    const socket = await this.#open(signal);
    const answer = await this.#exchange(socket, command, requestId, signal);
    if (answer.success === false) throw refusedByServer(command.type, answer.error ?? "it gave no reason");
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw malformed(command.type, parsed.error);
    return parsed.data;
  }

  /** Sends a command that has no reply. */
  async post(command: Command, signal: AbortSignal): Promise<void> {
    const socket = await this.#open(signal);
    socket.send(JSON.stringify(command));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.drop();
  }

  /** Closes the socket. The next request opens another. */
  async drop(): Promise<void> {
    this.#connecting?.terminate();
    const socket = await this.#opening?.catch(() => undefined);
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const giveUp = this.#options.startTimer(1_000, () => socket.terminate());
      socket.once("close", () => {
        giveUp();
        resolve();
      });
      socket.close();
    });
  }

  async #open(signal: AbortSignal): Promise<WebSocket> {
    signal.throwIfAborted();
    if (this.#closed) throw unreachable(this.#options.url, "is not used any more: this client was closed");
    this.#opening ??= this.#connect().then(
      (socket) => {
        this.#connecting = undefined;
        return socket;
      },
      (error: unknown) => {
        this.#connecting = undefined;
        this.#opening = undefined;
        throw error;
      },
    );
    return await unlessAborted(this.#opening, signal);
  }

  #connect(): Promise<WebSocket> {
    const { url, token, maxFrameBytes, replyWithinMs } = this.#options;
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, {
        handshakeTimeout: replyWithinMs,
        maxPayload: maxFrameBytes * hardLimitFactor,
        perMessageDeflate: false,
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
      });
      this.#connecting = socket;
      socket.once("unexpected-response", (request, response) => {
        request.destroy();
        reject(refusedUpgrade(url, response.statusCode ?? 0, response.headers["retry-after"]));
      });
      socket.once("error", (cause) => reject(unreachable(url, "does not take connections", cause)));
      socket.once("open", () => {
        this.#watch(socket);
        resolve(socket);
      });
    });
  }

  #watch(socket: WebSocket): void {
    const stopPings = this.#keepAlive(socket);
    let trouble: unknown;
    socket.on("message", (data, isBinary) => {
      const incoming = this.#reader.read(data, isBinary);
      if (incoming === undefined) return;
      if (incoming.kind === "runtime") this.#listener.frame(incoming.frame);
      if (incoming.reply !== undefined) this.#waiting.get(incoming.reply.request_id)?.settle(incoming.reply);
    });
    socket.on("error", (cause) => {
      trouble = cause;
    });
    socket.once("close", () => {
      stopPings();
      this.#opening = undefined;
      const error = unreachable(this.#options.url, "closed the connection", trouble);
      for (const waiting of [...this.#waiting.values()]) waiting.settle(error);
      this.#listener.lost(error);
    });
  }

  #keepAlive(socket: WebSocket): () => void {
    const { startTimer, pingEveryMs } = this.#options;
    let heard = true;
    const hear = () => {
      heard = true;
    };
    socket.on("pong", hear);
    socket.on("message", hear);
    let cancel = () => {};
    const beat = () => {
      if (!heard) return socket.terminate();
      heard = false;
      socket.ping();
      cancel = startTimer(pingEveryMs, beat);
    };
    cancel = startTimer(pingEveryMs, beat);
    return () => cancel();
  }

  #exchange(socket: WebSocket, command: Command, requestId: string, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    const { url, startTimer, replyWithinMs } = this.#options;
    return new Promise((resolve, reject) => {
      const done = () => {
        cancel();
        signal.removeEventListener("abort", onAbort);
        this.#waiting.delete(requestId);
      };
      const cancel = startTimer(replyWithinMs, () => {
        done();
        reject(unreachable(url, `gave no reply to ${command.type} within ${replyWithinMs} ms`));
      });
      const onAbort = () => {
        done();
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.set(requestId, {
        type: command.type,
        settle(outcome) {
          done();
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      });
      socket.send(JSON.stringify({ ...command, request_id: requestId }), (error) => {
        if (error == null) return;
        done();
        reject(unreachable(this.#options.url, "lost the connection", error));
      });
    });
  }
}

function refusedUpgrade(url: string, status: number, retryAfter: string | undefined): LettaError {
  if (status === 429) return limited(url, Number(retryAfter ?? 0));
  if (status >= 500 || status === 408) return unreachable(url, `answered with HTTP status ${status}`);
  const remedy =
    status === 401 || status === 403
      ? "Set letta.token_file to the token that the App Server was started with."
      : "Check letta.url: it is the address of a Letta App Server's WebSocket, mostly ending in /ws.";
  return refused(`the Letta App Server at ${url} refused the connection (HTTP status ${status})`, remedy);
}
