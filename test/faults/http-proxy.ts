import { once } from "node:events";
import { Agent, createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { Door } from "./door.ts";

/** A request on its way to the server. */
export interface SeenRequest {
  readonly method: string;
  /** Without the query, percent-decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Without `Bearer`; empty where there is none. */
  readonly token: string;
  readonly body: string;
}

/** What the server itself answered, whatever became of that on the way. */
export interface SeenAnswer {
  readonly status: number;
  readonly body: string;
}

export interface Answer extends SeenAnswer {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What the server is asked instead of what it was asked. */
export interface Changed {
  /** Without the query. */
  readonly path?: string;
  readonly body?: string;
}

/** A request that a fault has caught. */
export interface Caught {
  readonly request: SeenRequest;
  readonly response: ServerResponse;
  /** Has the server do what was asked, or what that was changed to, and gives its whole answer. */
  pass(changed?: Changed): Promise<Answer>;
  /** Nobody is let in for so long, ms; who is inside is thrown out. */
  refuseFor(ms: number): void;
}

/** Resolves when there is nothing left to do for this request. */
export type HttpFault = (caught: Caught) => Promise<void>;

/** A fault that lies in wait for certain requests. */
export interface Trap {
  /** Says whether it takes this request; asked once for each. */
  takes(request: SeenRequest): boolean;
  readonly fault: HttpFault;
}

export interface HttpProxyOptions {
  readonly target: string;
  /** Changes a request before anything else happens to it. */
  readonly rewrite?: (url: URL) => void;
  /** Told of each whole answer of the server. */
  readonly onAnswer?: (request: SeenRequest, answer: SeenAnswer) => void;
}

/** Stands before a server that speaks HTTP, and spoils what its traps take. */
export class HttpProxy {
  readonly url: string;
  readonly #options: HttpProxyOptions;
  readonly #door: Door;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #traps = new Set<Trap>();

  private constructor(options: HttpProxyOptions, door: Door) {
    this.#options = options;
    this.#door = door;
    this.url = `http://127.0.0.1:${door.port}`;
  }

  static async start(options: HttpProxyOptions): Promise<HttpProxy> {
    const server = createServer();
    const proxy = new HttpProxy(options, await Door.open(server));
    server.on("request", (incoming, response) => {
      // A connection that breaks on one side breaks on the other.
      proxy.#serve(incoming, response).catch(() => response.destroy());
    });
    return proxy;
  }

  /** Gives the way to take it away. */
  set(trap: Trap): () => void {
    this.#traps.add(trap);
    return () => this.#traps.delete(trap);
  }

  async close(): Promise<void> {
    await this.#door.close();
    this.#agent.destroy();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "/", this.#options.target);
    this.#options.rewrite?.(url);
    const body = await buffer(incoming);
    const request: SeenRequest = {
      method: incoming.method ?? "GET",
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      token: incoming.headers.authorization?.replace(/^Bearer /, "") ?? "",
      body: body.toString("utf8"),
    };
    const trap = [...this.#traps].find((one) => one.takes(request));
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const upstream = async (changed: Changed, signal?: AbortSignal): Promise<IncomingMessage> => {
      const { host: _, "accept-encoding": __, ...headers } = incoming.headers;
      if (changed.body !== undefined) headers["content-length"] = String(Buffer.byteLength(changed.body));
      const to = changed.path === undefined ? url : new URL(changed.path, url);
      const sent = forward(to, { method: request.method, headers, agent: this.#agent, ...(signal && { signal }) });
      sent.end(changed.body ?? body);
      const [answer]: [IncomingMessage] = await once(sent, "response").then(([first]) => [first]);
      return answer;
    };
    if (trap !== undefined) {
      await trap.fault({
        request,
        response,
        pass: async (changed = {}) => {
          // It is done even when the client is gone by then.
          const answer = await upstream(changed);
          return this.#whole(request, answer, (await buffer(answer)).toString("utf8"));
        },
        refuseFor: (ms) => this.#door.refuseFor(ms),
      });
      return;
    }
    const answer = await upstream({}, gone.signal);
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    // The observer knows of it before the client can act on it.
    answer.once("end", () => this.#whole(request, answer, Buffer.concat(chunks).toString("utf8")));
    answer.once("error", () => response.destroy());
    answer.pipe(response);
  }

  #whole(request: SeenRequest, { statusCode = 502, headers }: IncomingMessage, body: string): Answer {
    this.#options.onAnswer?.(request, { status: statusCode, body });
    const { "transfer-encoding": _, "content-length": __, connection: ___, ...kept } = headers;
    return { status: statusCode, headers: kept, body };
  }
}
