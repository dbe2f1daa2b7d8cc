import { once } from "node:events";
import { Agent, createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { freePort } from "../servers/free-port.ts";

/** A request of the program to its homeserver. */
export interface Exchange {
  readonly method: string;
  /** Without the query, percent-decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The access token, to tell users apart. */
  readonly token: string;
  readonly body: string;
}

/** What goes wrong on the way. Each part is asked for each request; `undefined` lets it pass. */
export interface Interference {
  /** Something else is asked. */
  rewriteRequest?(exchange: Exchange): string;
  /** Answers in the homeserver's place. */
  instead?(exchange: Exchange): { readonly status: number; readonly body: string } | undefined;
  /** `lose`: the homeserver has done what was asked, but the connection breaks before its answer arrives. */
  after?(exchange: Exchange, answer: string): "lose" | undefined;
  /** Another answer than the homeserver's. */
  rewrite?(exchange: Exchange, answer: string): string;
}

/** Stands between the program and its homeserver, and can spoil what passes. */
export interface HomeserverProxy {
  readonly url: string;
  /** Gives the way to end it. */
  interfere(interference: Interference): () => void;
  close(): Promise<void>;
}

export async function startProxy(homeserverUrl: string): Promise<HomeserverProxy> {
  const agent = new Agent({ keepAlive: true });
  const interferences = new Set<Interference>();
  const port = await freePort();

  const pass = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(incoming);
    const url = new URL(incoming.url ?? "/", homeserverUrl);
    const exchange: Exchange = {
      method: incoming.method ?? "GET",
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      token: incoming.headers.authorization ?? "",
      body: body.toString("utf8"),
    };
    for (const { instead } of interferences) {
      const answer = instead?.(exchange);
      if (answer === undefined) continue;
      response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
      return;
    }
    const { host: _, "accept-encoding": __, ...headers } = incoming.headers;
    let asked = exchange.body;
    for (const { rewriteRequest } of interferences) asked = rewriteRequest?.({ ...exchange, body: asked }) ?? asked;
    // What is no text stays as it came.
    const rewritten = asked === exchange.body ? body : Buffer.from(asked);
    if (rewritten !== body) headers["content-length"] = String(rewritten.length);
    const upstream = forward(url, { method: exchange.method, headers, agent });
    response.once("close", () => upstream.destroy());
    upstream.end(rewritten);
    const [answer] = await once(upstream, "response");
    if (interferences.size === 0) {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      return;
    }
    const answered = await buffer(answer);
    const verdicts = [...interferences].map(({ after }) => after?.(exchange, answered.toString("utf8")));
    if (verdicts.includes("lose")) {
      response.destroy();
    } else {
      let text = answered.toString("utf8");
      for (const { rewrite } of interferences) text = rewrite?.(exchange, text) ?? text;
      // The body has a length of its own by now.
      const { "transfer-encoding": _, "content-length": __, ...headersWithoutLength } = answer.headers;
      response.writeHead(answer.statusCode, headersWithoutLength).end(text);
    }
  };

  const server = createServer((incoming, response) => {
    // A connection that breaks on one side breaks on the other.
    pass(incoming, response).catch(() => response.destroy());
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${port}`,
    interfere(interference) {
      interferences.add(interference);
      return () => interferences.delete(interference);
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}
