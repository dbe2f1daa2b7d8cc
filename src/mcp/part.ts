import type { IncomingMessage } from "node:http";
import { toNodeHandler, toWebRequest } from "@modelcontextprotocol/node";
import { createMcpHandler, isLegacyRequest } from "@modelcontextprotocol/server";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Authentication, Principal } from "../commands/access/principal.ts";
import type { BoundCommand } from "../commands/command.ts";
import { largestFileRequest } from "../commands/media/get.ts";
import { Catalogue } from "./catalogue.ts";
import { Listening } from "./listening.ts";
import { OpenReplies } from "./open-replies.ts";
import { type Client, interestsOf, type McpOptions, mcpServer } from "./server.ts";
import { McpSessions, type SessionOwner } from "./sessions.ts";
import type { Toolset } from "./tool.ts";

export interface McpPartOptions extends Omit<McpOptions, "catalogue"> {
  readonly commands: readonly BoundCommand[];
  readonly authentication: Authentication;
  /** Tells who calls. Throws what the HTTP server answers a caller with that it does not know. */
  callerOf(request: FastifyRequest): Principal;
}

const paths: readonly (readonly [string, Toolset])[] = [
  ["/mcp", "all"],
  ["/mcp/matrix", "matrix"],
  ["/mcp/agents", "agents"],
];

/** MCP over HTTP, both eras on each route: 2025-11-25 with sessions, 2026-07-28 without. */
export function mcpPart(options: McpPartOptions): (server: FastifyInstance) => void {
  const offered = { ...options, catalogue: new Catalogue(options.commands) };
  return (server) => {
    const listening = new Listening();
    const sessions = new McpSessions(options.clock);
    const replies = new OpenReplies();
    const stop = options.authentication.onRevoked((tokenId) => {
      replies.endOf(tokenId);
      void sessions.endOf(tokenId);
    });
    server.addHook("onClose", async () => {
      stop();
      await sessions.endAll();
    });
    for (const [path, toolset] of paths)
      server.route({
        method: ["GET", "POST", "DELETE"],
        url: path,
        bodyLimit: largestFileRequest,
        async handler(request, reply) {
          const client = clientOf(request, options, toolset);
          const { tokenId } = client.principal;
          if (tokenId !== undefined) replies.add(tokenId, reply.raw);
          await serve(offered, client, { sessions, listening }, request, reply);
        },
      });
  };
}

/** Whoever may act as any agent says as which one by a header; a token that is bound says it by itself. */
function clientOf(request: FastifyRequest, { callerOf }: McpPartOptions, toolset: Toolset): Client {
  const principal = callerOf(request);
  const named = request.headers["x-agent-id"];
  const isFree = principal.agentId === undefined && typeof named === "string" && named !== "";
  return { principal, toolset, ...(isFree && { acting: named }) };
}

async function serve(
  options: McpOptions,
  client: Client,
  { sessions, listening }: { readonly sessions: McpSessions; readonly listening: Listening },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { raw, body } = request;
  const owner = ownerOf(client);
  const interests = interestsOf(options, client);
  const sessionId = raw.headers["mcp-session-id"];
  const isLegacy = raw.method !== "POST" || (await isLegacyRequest(await toWebRequest(nodeRequest(raw), body ?? {})));
  // From here on the SDK answers.
  reply.hijack();
  // The protocol has none since 2025-06-18, and each of their messages would be a request that nobody counts.
  if (Array.isArray(body)) return refuse(reply, 400, "send one message at a time: batches are not taken", -32_600);
  if (!isLegacy) {
    const { body: asked, bus } = await listening.of(body, owner.token, interests, reply.raw);
    const modern = createMcpHandler(() => mcpServer(options, client, interests), {
      legacy: "reject",
      ...(bus !== undefined && { bus }),
    });
    await toNodeHandler(modern)(nodeRequest(raw), reply.raw, asked);
    return;
  }
  if (typeof sessionId === "string") {
    if (!(await sessions.serve(sessionId, owner, raw, reply.raw, body))) refuse(reply, 404, "there is no such session");
    return;
  }
  if (raw.method !== "POST") return refuse(reply, 400, "a session is needed: begin with initialize");
  const { subscriptions } = interests;
  await sessions.begin({ server: mcpServer(options, client, interests), subscriptions }, owner, raw, reply.raw, body);
}

/** A session goes on for the same token and the same agent only: who acts, and what is offered, was settled when it began. */
function ownerOf({ principal: { tokenId, name }, acting, toolset }: Client): SessionOwner {
  return { token: tokenId ?? name, toolset, ...(acting !== undefined && { agent: acting }) };
}

/** The SDK wants the method and the address to be there, as they are of every request that a server gets. */
function nodeRequest(raw: IncomingMessage) {
  const { method = "POST", url = "/", headers } = raw;
  return Object.assign(raw, { method, url, headers });
}

function refuse({ raw }: FastifyReply, status: number, message: string, code = -32_001): void {
  raw.writeHead(status, { "content-type": "application/json" });
  raw.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code, message } }));
}
