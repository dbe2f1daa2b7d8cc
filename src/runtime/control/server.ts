import { chmod, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { dirname } from "node:path";
import type { Cancel, Clock } from "../clock.ts";
import { ensureDataFolder } from "../data-folder.ts";
import { toFailure } from "../failure.ts";
import { type Answer, maxRequestBytes } from "./protocol.ts";
import { assertSocketPath, removeStaleSocket, SocketUnavailable } from "./socket-path.ts";

/**
 * Carries out one command. What it throws reaches the caller as message and remedy, nothing else. The signal is
 * aborted when the caller goes away or the server stops.
 */
export type ControlHandler = (input: unknown, signal: AbortSignal) => Promise<unknown>;

export interface ControlServerOptions {
  /** Where the socket is; its folder is made private. */
  readonly path: string;
  /** By name: lower-case letters, digits, dots and dashes. */
  readonly handlers: Readonly<Record<string, ControlHandler>>;
  /** By which it is looked now and then whether the socket is still there. */
  readonly clock?: Clock;
}

/** Milliseconds between two looks at whether the socket is still there. */
const lookEvery = 5_000;

/** Lets other processes of the same user talk to this one, over a Unix socket that nobody else may open. */
export class ControlServer {
  readonly #path: string;
  readonly #handlers: ReadonlyMap<string, ControlHandler>;
  readonly #server: Server;
  readonly #stopping = new AbortController();
  readonly #clock: Clock | undefined;
  readonly #failed = Promise.withResolvers<never>();
  #cancelLook: Cancel = () => undefined;

  constructor({ path, handlers, clock }: ControlServerOptions) {
    this.#path = path;
    this.#clock = clock;
    this.#failed.promise.catch(() => undefined);
    this.#handlers = new Map(Object.entries(handlers));
    this.#server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
      void this.#serve(request, response);
    });
  }

  /** Rejects with {@link SocketUnavailable} when nobody can reach it any more; then it has stopped. */
  get ended(): Promise<never> {
    return this.#failed.promise;
  }

  /** Throws {@link SocketUnavailable} or DataFolderUnusable. The socket of a process that is gone is replaced. */
  async start(): Promise<void> {
    assertSocketPath(this.#path);
    await ensureDataFolder(dirname(this.#path));
    await removeStaleSocket(this.#path);
    await new Promise<void>((resolve, reject) => {
      const refuse = (cause: Error): void =>
        reject(new SocketUnavailable(`cannot listen at ${this.#path}: ${cause.message}`, "See the cause.", cause));
      this.#server.once("error", refuse);
      this.#server.listen(this.#path, () => {
        this.#server.off("error", refuse);
        resolve();
      });
    });
    await chmod(this.#path, 0o600);
    this.#server.on("error", (cause) => this.#fail(cause.message, cause));
    this.#look();
  }

  /** Whoever tidies up takes a socket for a file that nobody needs; the server itself would not notice. */
  #look(): void {
    if (this.#clock === undefined || this.#stopping.signal.aborted) return;
    this.#cancelLook = this.#clock.schedule(lookEvery, () => {
      stat(this.#path).then(
        () => this.#look(),
        (cause: unknown) => this.#fail("it is gone", cause),
      );
    });
  }

  async #fail(why: string, cause: unknown): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await this.stop();
    this.#failed.reject(new SocketUnavailable(`nobody can reach ${this.#path}: ${why}`, "It is made again.", cause));
  }

  /** Takes no more calls, aborts those under way, and removes the socket once they have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the server is stopping"));
    this.#cancelLook();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort(new Error("the caller is gone")));
    const [status, body] = await this.#answer(request, AbortSignal.any([gone.signal, this.#stopping.signal]));
    response.writeHead(status, { "content-type": "application/json", connection: "close" });
    response.end(body);
  }

  async #answer(request: IncomingMessage, signal: AbortSignal): Promise<[status: number, body: string]> {
    const name = request.url?.slice(1) ?? "";
    const handler = this.#handlers.get(name);
    if (request.method !== "POST" || handler === undefined) {
      const known = [...this.#handlers.keys()].join(", ");
      return [404, refusal(`there is no command "${name}"`, `Known commands: ${known}.`)];
    }
    try {
      const body = await readBody(request);
      if (body === undefined)
        return [413, refusal(`the request is larger than ${maxRequestBytes} bytes`, "Send less at once.")];
      const input = parseJson(body);
      if (input === undefined) return [400, refusal("the request is not JSON", "Send the command's input as JSON.")];
      return [200, JSON.stringify({ result: (await handler(input.value, signal)) ?? null })];
    } catch (error) {
      const { message, remedy } = toFailure(error);
      return [422, refusal(message, remedy)];
    }
  }
}

function refusal(message: string, remedy: string | undefined): string {
  const answer: Answer = { error: { message, ...(remedy !== undefined && { remedy }) } };
  return JSON.stringify(answer);
}

/** `undefined` when it is too large. Read to its end all the same: else the caller would not see the answer. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length <= maxRequestBytes) chunks.push(bytes);
  }
  return length <= maxRequestBytes ? Buffer.concat(chunks).toString("utf8") : undefined;
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: text === "" ? {} : JSON.parse(text) };
  } catch {
    return undefined;
  }
}
