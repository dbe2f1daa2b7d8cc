import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from "node:http";
import { Agent as HttpsAgent, request as requestTls } from "node:https";

/** Long-polls hold their connections for half a minute each, so commands never queue behind them. */
export type Lane = "command" | "poll";

export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly lane: Lane;
  /** For everything from the wait for a connection to the last byte of the body. */
  readonly timeLimitMs: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * Why there is no HTTP response.
 * - `connection`: refused, reset or cut; the system's own error is the cause.
 * - `time-limit`: not complete within the request's limit, whichever part of it stalled.
 * - `body-too-large`: more bytes than this process wants to hold.
 * - `closed`: these connections were closed by {@link HttpConnections.close}.
 * - `unreadable`: something answered, but neither HTTP nor JSON.
 */
export type TransportFailure = "connection" | "time-limit" | "body-too-large" | "closed" | "unreadable";

export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly failure: TransportFailure;

  constructor(failure: TransportFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** Runs `expired` once after `ms`, unless the returned function is called before. */
export type StartTimer = (ms: number, expired: () => void) => () => void;

export const startTimer: StartTimer = (ms, expired) => {
  const timer = setTimeout(expired, ms);
  return () => clearTimeout(timer);
};

export interface HttpConnectionsOptions {
  readonly startTimer: StartTimer;
  readonly maxBodyBytes: number;
}

/**
 * Shorter than any common server or proxy keeps an idle connection: the closing side should be us, since a request
 * written to a connection that the other side is just closing fails for no reason of its own.
 */
const IDLE_CONNECTION_MS = 15_000;
const MAX_COMMAND_CONNECTIONS = 128;

/** HTTP requests that always end: with a whole response, or with an error within the request's time limit. */
export class HttpConnections {
  readonly #options: HttpConnectionsOptions;
  readonly #agents: Readonly<Record<"http:" | "https:", Readonly<Record<Lane, HttpAgent>>>>;
  #closed = false;

  constructor(options: HttpConnectionsOptions) {
    this.#options = options;
    const poll = { keepAlive: true, timeout: IDLE_CONNECTION_MS };
    const command = { ...poll, maxSockets: MAX_COMMAND_CONNECTIONS };
    this.#agents = {
      "http:": { poll: new HttpAgent(poll), command: new HttpAgent(command) },
      "https:": { poll: new HttpsAgent(poll), command: new HttpsAgent(command) },
    };
  }

  /** Resolves when the whole body is there. Rejects with {@link TransportError}, or with the signal's reason. */
  send(httpRequest: HttpRequest, signal?: AbortSignal | null): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#closed) return reject(closedError());

      let current: ClientRequest | undefined;
      let settled = false;
      const settle = (): boolean => {
        if (settled) return false;
        settled = true;
        cancelTimer();
        signal?.removeEventListener("abort", onAbort);
        return true;
      };
      const fail = (error: unknown): void => {
        if (!settle()) return;
        current?.destroy();
        reject(error);
      };
      const onAbort = (): void => fail(signal?.reason);
      const cancelTimer = this.#options.startTimer(httpRequest.timeLimitMs, () =>
        fail(new TransportError("time-limit", `no complete answer within ${httpRequest.timeLimitMs} ms`)),
      );
      signal?.addEventListener("abort", onAbort);

      const attempt = (mayRepeat: boolean): void => {
        current = this.#open(httpRequest, (message) => {
          this.#read(message, fail, (body) => {
            if (settle()) resolve({ status: message.statusCode ?? 0, headers: message.headers, body });
          });
        });
        const opened = current;
        opened.on("error", (error) => {
          if (settled) return;
          if (mayRepeat && opened.reusedSocket && isReset(error) && !this.#closed) attempt(false);
          else fail(this.#closed ? closedError(error) : connectionError(error));
        });
        opened.end(httpRequest.body);
      };
      try {
        attempt(isIdempotent(httpRequest.method));
      } catch (error) {
        fail(connectionError(error));
      }
    });
  }

  /** Ends every request under way and frees every connection. Later requests fail with `closed`. */
  close(): void {
    this.#closed = true;
    for (const lanes of Object.values(this.#agents)) {
      lanes.command.destroy();
      lanes.poll.destroy();
    }
  }

  #open(httpRequest: HttpRequest, onResponse: (message: IncomingMessage) => void): ClientRequest {
    const { url, method, lane, body } = httpRequest;
    const headers =
      body === undefined
        ? httpRequest.headers
        : { ...httpRequest.headers, "Content-Length": String(Buffer.byteLength(body)) };
    if (url.protocol === "https:") {
      return requestTls(url, { method, headers, agent: this.#agents["https:"][lane] }, onResponse);
    }
    return request(url, { method, headers, agent: this.#agents["http:"][lane] }, onResponse);
  }

  #read(message: IncomingMessage, fail: (error: unknown) => void, done: (body: Buffer) => void): void {
    const limit = this.#options.maxBodyBytes;
    const chunks: Buffer[] = [];
    let size = 0;
    message.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) fail(new TransportError("body-too-large", `the answer is larger than ${limit} bytes`));
      else chunks.push(chunk);
    });
    message.on("end", () => {
      done(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    message.on("error", (error) => fail(this.#closed ? closedError(error) : connectionError(error)));
  }
}

function closedError(cause?: unknown): TransportError {
  return new TransportError("closed", "the connections to the homeserver were closed", { cause });
}

function connectionError(cause: unknown): TransportError {
  const code = errorCode(cause);
  const reason = cause instanceof Error && cause.message !== "" ? cause.message : (code ?? "unknown reason");
  const failure = code?.startsWith("HPE_") ? "unreadable" : "connection";
  return new TransportError(failure, reason, { cause });
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function isReset(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ECONNRESET" || code === "EPIPE";
}

/** What RFC 9110 (9.2.2) lets a client repeat by itself when an idle connection turns out to be gone. */
function isIdempotent(method: string): boolean {
  return method === "GET" || method === "PUT";
}
