import { request } from "node:http";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { z } from "zod";
import { callerOf } from "../../src/api/bearer.ts";
import { healthPart } from "../../src/api/health.ts";
import type { HttpPart } from "../../src/api/part.ts";
import { rateLimited } from "../../src/api/rate-limit.ts";
import { HttpServer } from "../../src/api/server.ts";
import { restPart } from "../../src/api/v1/part.ts";
import type { Scope } from "../../src/commands/access/principal.ts";
import type { NewToken } from "../../src/commands/access/tokens.ts";
import type { BoundCommand, CommandContext } from "../../src/commands/command.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { Changes } from "../../src/commands/watch/changes.ts";
import { mcpPart } from "../../src/mcp/part.ts";
import type { Transition } from "../../src/runtime/host.ts";
import { callersInMemory } from "../commands/callers.ts";
import { installation, server } from "./installation.ts";

export interface ServedOptions {
  readonly context?: Partial<CommandContext>;
  readonly allowedHosts?: readonly string[];
  readonly allowedOrigins?: readonly string[];
  readonly ratePerMinute?: number;
  /** Besides the real ones. */
  readonly commands?: readonly BoundCommand[];
  readonly parts?: readonly HttpPart[];
  /** MCP, too. */
  readonly mcp?: true;
}

export interface Asked {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, or as it is when it is text. */
  readonly body?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** As JSON; of a problem, what it says. */
  readonly body: Readonly<Record<string, unknown>>;
}

const object = z.record(z.string(), z.unknown());

/** The HTTP server as the program has it, over an installation in memory. */
export async function serve(options: ServedOptions = {}) {
  const callers = await callersInMemory();
  const told = new Set<(transition: Transition) => void>();
  const subscribe = (listener: (transition: Transition) => void) => {
    told.add(listener);
    return () => void told.delete(listener);
  };
  const changes = new Changes({ subscribe }, callers.clock);
  const logged: object[] = [];
  const log = (fields: object, message: string): void => {
    logged.push({ ...fields, message });
  };
  const context: CommandContext = { ...installation(), ...callers, server, ...options.context };
  const commands = [...bindCommands(context), ...(options.commands ?? [])];
  const http = new HttpServer({
    host: "127.0.0.1",
    port: 0,
    admission: { allowedHosts: options.allowedHosts ?? [], allowedOrigins: options.allowedOrigins ?? [] },
    parts: [
      healthPart({ commands, clock: callers.clock }),
      restPart({
        commands,
        authentication: callers.tokens,
        ratePerMinute: options.ratePerMinute ?? 1_000_000,
        clock: callers.clock,
        logger: { error: log },
      }),
      ...(options.parts ?? []),
      ...(options.mcp === true
        ? [
            rateLimited(
              mcpPart({
                commands,
                authentication: callers.tokens,
                clock: callers.clock,
                feed: changes,
                logger: { error: log },
                version: context.version,
                callerOf: ({ headers }) => callerOf(headers, callers.tokens),
              }),
              { authentication: callers.tokens, ratePerMinute: options.ratePerMinute ?? 1_000_000 },
            ),
          ]
        : []),
    ],
    logger: { warn: log, error: log },
  });
  await http.start();
  const tokenFor = async (scopes: readonly Scope[], rest: Partial<NewToken> = {}): Promise<string> =>
    (await callers.tokens.create({ name: "test", scopes, ...rest })).token;
  return {
    ...callers,
    commands,
    port: http.port,
    logged,
    /** An actor has made a step. */
    stepped: (transition: Transition) => {
      for (const listener of told) listener(transition);
    },
    tokenFor,
    ask: (method: string, path: string, asked?: Asked) => ask(http.port, method, path, asked),
    stop: () => http.stop(),
  };
}

export type Served = Awaited<ReturnType<typeof serve>>;

/** With headers that `fetch` would not send: a foreign Host, say. */
function ask(port: number, method: string, path: string, { token, headers, body }: Asked = {}): Promise<Answered> {
  const payload = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port,
        method,
        path,
        headers: {
          ...(payload !== undefined && {
            "content-type": "application/json",
            "content-length": String(Buffer.byteLength(payload)),
          }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...headers,
        },
      },
      (response) => {
        response.setEncoding("utf8");
        let text = "";
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("end", () => {
          const { statusCode: status = 0 } = response;
          resolve({ status, headers: response.headers, text, body: object.parse(JSON.parse(text)) });
        });
        response.once("error", reject);
      },
    );
    sent.once("error", reject);
    sent.end(payload);
  });
}

/** What is answered to bytes that need be no request, when the connection is closed. */
export async function raw(port: number, bytes: string): Promise<Answered> {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  const [head = "", text = ""] = (await textOf(socket)).split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(": ")));
  return { status: Number(first.split(" ")[1]), headers, text, body: object.parse(JSON.parse(text)) };
}
