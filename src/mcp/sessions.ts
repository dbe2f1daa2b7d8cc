import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import type { Server } from "@modelcontextprotocol/server";
import type { Clock } from "../runtime/clock.ts";
import { Replay } from "./replay.ts";
import { type Interests, outletOf } from "./server.ts";
import type { Toolset } from "./tool.ts";

/** Whose a session is. */
export interface SessionOwner {
  /** The id of the token that was shown. */
  readonly token: string;
  /** The agent that was named besides. */
  readonly agent?: string;
  /** What is offered on the path on which it began. */
  readonly toolset: Toolset;
}

interface Session {
  readonly transport: NodeStreamableHTTPServerTransport;
  readonly replay: Replay;
  /** Nobody else may use it. */
  readonly owner: SessionOwner;
  readonly client: SessionClient;
  /** By which the client is told what it has not asked for; it listens as long as one is open. */
  readonly streams: Set<ServerResponse>;
  usedAt: number;
}

/** Whom a session serves. */
export interface SessionClient extends Pick<Interests, "subscriptions"> {
  readonly server: Server;
}

/** Sessions of the 2025 protocol. More at once are not kept: the one that was idle for longest ends. */
const mostSessions = 1_000;
/** More of one token are not kept either, so that it takes nobody else's place: its own one goes that was idle for longest. */
const mostOfToken = 200;
/** A session that is not used for so long ends, ms. */
const idleFor = 30 * 60_000;
/** After so long a client whose stream was cut comes back, ms. */
const retryAfter = 1_000;

/** The sessions of clients that speak the 2025 protocol, on all paths, each bound to the token and the path that it began with. */
export class McpSessions {
  readonly #clock: Pick<Clock, "elapsed">;
  readonly #sessions = new Map<string, Session>();

  constructor(clock: Pick<Clock, "elapsed">) {
    this.#clock = clock;
  }

  /** Serves a request of an open session. False when the owner has none of that id. */
  async serve(
    id: string,
    owner: SessionOwner,
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
  ): Promise<boolean> {
    this.#endIdle();
    const session = this.#sessions.get(id);
    if (session === undefined || !isSame(session.owner, owner)) return false;
    session.usedAt = this.#clock.elapsed();
    if (request.method === "GET" && (await isForNews(session, request))) this.#listen(session, response);
    await session.transport.handleRequest(request, response, body);
    return true;
  }

  /** From here on the client is told; before, nobody would hear it. A second stream at once is refused by the transport. */
  #listen(session: Session, response: ServerResponse): void {
    const { client, streams } = session;
    if (streams.size > 0) return;
    const outlet = outletOf(client.server, () => !response.headersSent || response.writableNeedDrain);
    streams.add(response);
    client.subscriptions.open(outlet);
    response.once("close", () => {
      streams.delete(response);
      session.usedAt = this.#clock.elapsed();
      client.subscriptions.close(outlet);
    });
  }

  /** Serves a request that begins a session. */
  async begin(
    client: SessionClient,
    owner: SessionOwner,
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
  ): Promise<void> {
    this.#endIdle();
    const replay = new Replay();
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      eventStore: replay,
      retryInterval: retryAfter,
      onsessioninitialized: (id) => {
        this.#makeRoomFor(owner.token);
        this.#sessions.set(id, { transport, replay, owner, client, streams: new Set(), usedAt: this.#clock.elapsed() });
      },
      onsessionclosed: (id) => void this.#sessions.delete(id),
    });
    client.server.onclose = () => client.subscriptions.end();
    await client.server.connect(transport);
    await transport.handleRequest(request, response, body);
    if (transport.sessionId === undefined) await transport.close();
  }

  /** Ends all that began with a token. */
  async endOf(token: string): Promise<void> {
    for (const [id, session] of this.#sessions) if (session.owner.token === token) await this.#end(id, session);
  }

  async endAll(): Promise<void> {
    for (const [id, session] of this.#sessions) await this.#end(id, session);
  }

  #endIdle(): void {
    const now = this.#clock.elapsed();
    const idle = [...this.#sessions]
      .filter(([, session]) => isIdle(session))
      .sort(([, a], [, b]) => a.usedAt - b.usedAt);
    const tooMany = Math.max(0, this.#sessions.size - mostSessions);
    for (const [index, [id, session]] of idle.entries())
      if (index < tooMany || now - session.usedAt > idleFor) void this.#end(id, session);
  }

  /** For one more session of a token. Those that somebody listens to count, too, and end last. */
  #makeRoomFor(token: string): void {
    const inTurn = [...this.#sessions]
      .filter(([, { owner }]) => owner.token === token)
      .sort(([, a], [, b]) => Number(isIdle(b)) - Number(isIdle(a)) || a.usedAt - b.usedAt);
    for (const [id, session] of inTurn.slice(0, Math.max(0, inTurn.length + 1 - mostOfToken)))
      void this.#end(id, session);
  }

  async #end(id: string, { transport }: Session): Promise<void> {
    this.#sessions.delete(id);
    await transport.close().catch(() => undefined);
  }
}

/** The transport's name for the stream by which the client is told what it has not asked for. */
const newsStream = "_GET_stream";

/** Whether a stream is for that, or goes on with what is left of a call. */
async function isForNews({ replay }: Session, { headers }: IncomingMessage): Promise<boolean> {
  const last = headers["last-event-id"];
  return typeof last !== "string" || (await replay.getStreamIdForEventId(last)) === newsStream;
}

function isIdle({ streams }: Session): boolean {
  return streams.size === 0;
}

function isSame(one: SessionOwner, other: SessionOwner): boolean {
  return one.token === other.token && one.agent === other.agent && one.toolset === other.toolset;
}
