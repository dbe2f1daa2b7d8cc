import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { StartTimer } from "../../src/matrix/http.ts";

export interface OddServer {
  readonly baseUrl: string;
  /** Method, path with query, and body of every request so far. */
  readonly requests: readonly { readonly method: string; readonly url: string; readonly body: string }[];
  /** Open connections. */
  connections(): number;
  /** Resolves when the n-th request is there. */
  received(n: number): Promise<void>;
  /** Resolves when no connection is open any more. */
  deserted(): Promise<void>;
  stop(): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, n: number) => void;

/** A homeserver that answers as oddly as it is told to. The handler gets the number of the request, from 1. */
export async function startOddServer(handler: Handler): Promise<OddServer> {
  const requests: { method: string; url: string; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => {});
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "" } = request;
      requests.push({ method, url, body: Buffer.concat(chunks).toString() });
      server.emit("handled");
      handler(request, response, requests.length);
    });
  });
  return { ...(await listen(server)), requests, received };

  async function received(n: number): Promise<void> {
    while (requests.length < n) await once(server, "handled");
  }
}

/** A server that writes these bytes to whoever connects, and waits. */
export async function startTcpServer(bytes: string): Promise<Omit<OddServer, "requests" | "received">> {
  return listen(
    createTcpServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .write(bytes),
    ),
  );
}

async function listen(server: Server): Promise<Omit<OddServer, "requests" | "received">> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      server.emit("left");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return {
    baseUrl: `http://127.0.0.1:${address.port}`,
    connections: () => sockets.size,
    async deserted() {
      while (sockets.size > 0) await once(server, "left");
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** A port on which nothing listens. */
export async function refusingUrl(): Promise<string> {
  const server = await startOddServer(() => {});
  await server.stop();
  return server.baseUrl;
}

/** Timers that expire when the test says so. */
export class ManualTimers {
  readonly #running = new Set<{ readonly ms: number; readonly expired: () => void }>();

  readonly start: StartTimer = (ms, expired) => {
    const timer = { ms, expired };
    this.#running.add(timer);
    return () => this.#running.delete(timer);
  };

  /** The times of those that neither expired nor were stopped. */
  get running(): number[] {
    return [...this.#running].map(({ ms }) => ms);
  }

  expire(): void {
    const due = [...this.#running];
    this.#running.clear();
    for (const { expired } of due) expired();
  }
}
