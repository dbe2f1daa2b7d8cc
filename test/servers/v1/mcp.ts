import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { z } from "zod";
import { sendJson } from "../model-answer.ts";
import { type McpServer, toolType, type V1State } from "./state.ts";

/** The MCP servers that the stand-in knows: as the real one does it, it looks at them and calls them itself. */

const config = z.object({
  mcp_server_type: z.literal("streamable_http"),
  server_url: z.string(),
  auth_header: z.literal("Authorization"),
  auth_token: z.string(),
});
const created = z.object({ server_name: z.string(), config });
const changed = z.object({ config });

type Given = {
  readonly ids: readonly string[];
  readonly body: object;
  readonly response: ServerResponse;
};

export function mcpRoutes(state: V1State): readonly (readonly [RegExp, (given: Given) => Promise<void> | void])[] {
  const found = ({ ids: [id = ""], response }: Given): McpServer | undefined => {
    const server = state.mcpServers.get(id);
    if (server === undefined) sendJson(response, 404, { detail: "MCP server not found" });
    return server;
  };
  return [
    [/^GET \/v1\/mcp-servers$/, ({ response }) => sendJson(response, 200, [...state.mcpServers.values()].map(shown))],
    [
      /^POST \/v1\/mcp-servers$/,
      async ({ body, response }) => {
        const { server_name: name, config: given } = created.parse(body);
        const { server_url: url, auth_token: authorization } = given;
        const server: McpServer = { id: `mcp_server-${randomUUID()}`, name, url, authorization, tools: [] };
        state.mcpServers.set(server.id, server);
        // It is looked at at once, and kept all the same when that does not go well.
        server.tools = await toolsOf(server).catch(() => []);
        sendJson(response, 200, shown(server));
      },
    ],
    [
      /^PATCH \/v1\/mcp-servers\/([^/]+)$/,
      (given) => {
        const server = found(given);
        if (server === undefined) return;
        const { server_url, auth_token } = changed.parse(given.body).config;
        server.url = server_url;
        server.authorization = auth_token;
        sendJson(given.response, 200, shown(server));
      },
    ],
    [
      /^DELETE \/v1\/mcp-servers\/([^/]+)$/,
      (given) => {
        const server = found(given);
        if (server === undefined) return;
        state.mcpServers.delete(server.id);
        for (const { tools } of state.agents.values()) for (const tool of server.tools) tools.delete(tool);
        given.response.writeHead(204).end();
      },
    ],
    [
      /^PATCH \/v1\/mcp-servers\/([^/]+)\/refresh$/,
      async (given) => {
        const server = found(given);
        if (server === undefined) return;
        try {
          server.tools = await toolsOf(server);
          sendJson(given.response, 200, {});
        } catch {
          sendJson(given.response, 404, { detail: { code: "MCPServerUnavailable" } });
        }
      },
    ],
    [
      /^GET \/v1\/mcp-servers\/([^/]+)\/tools$/,
      (given) => {
        const server = found(given);
        if (server !== undefined)
          sendJson(
            given.response,
            200,
            server.tools.map((name) => ({ id: `tool-${name}`, name })),
          );
      },
    ],
    [
      /^PATCH \/v1\/agents\/([^/]+)\/tools\/detach\/tool-(.+)$/,
      ({ ids: [agent = "", tool = ""], response }) => {
        state.agents.get(agent)?.tools.delete(tool);
        sendJson(response, 200, {});
      },
    ],
    [
      /^PATCH \/v1\/agents\/([^/]+)$/,
      ({ ids: [id = ""], body, response }) => {
        const agent = state.agents.get(id);
        if (agent === undefined) return sendJson(response, 404, { detail: "Agent not found" });
        agent.secrets = z.object({ secrets: z.record(z.string(), z.string()) }).parse(body).secrets;
        sendJson(response, 200, {});
      },
    ],
    [
      /^POST \/v1\/agents\/([^/]+)\/tools\/([^/]+)\/run$/,
      async ({ ids: [id = "", tool = ""], body, response }) => {
        const agent = state.agents.get(id);
        const server = [...state.mcpServers.values()].find(({ tools }) => tools.includes(tool));
        if (agent === undefined || server === undefined || !agent.tools.has(tool))
          return sendJson(response, 404, { detail: `Tool '${tool}' not found or not attached to agent '${id}'` });
        const { args } = z.object({ args: z.record(z.string(), z.unknown()) }).parse(body);
        const result = await asClient(server, agent.secrets, id, (client) =>
          client.callTool({ name: tool, arguments: args }),
        );
        sendJson(response, 200, { status: result.isError === true ? "error" : "success", func_return: result });
      },
    ],
  ];
}

/** `{{ VARIABLE }}` or `{{ VARIABLE | otherwise }}`; a variable that the agent does not have is nothing. */
function filledIn(authorization: string, variables: Readonly<Record<string, string>>): string {
  return authorization.replaceAll(
    /\{\{\s*([A-Z_][A-Z0-9_]*)\s*(?:\|\s*([^}]+?)\s*)?\}\}/g,
    (_, name: string, otherwise = "") => variables[name] ?? otherwise,
  );
}

function toolsOf(server: McpServer): Promise<readonly string[]> {
  return asClient(server, {}, undefined, async (client) => (await client.listTools()).tools.map(({ name }) => name));
}

async function asClient<T>(
  { url, authorization }: McpServer,
  variables: Readonly<Record<string, string>>,
  agentId: string | undefined,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ name: "letta", version: "1" });
  const headers = {
    authorization: filledIn(authorization, variables),
    ...(agentId !== undefined && { "x-agent-id": agentId }),
  };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

function shown({ id, name, url, authorization }: McpServer): object {
  return {
    id,
    server_name: name,
    mcp_server_type: "streamable_http",
    server_url: url,
    auth_header: "Authorization",
    auth_token: authorization,
  };
}

export function attachable(tool: string, state: V1State): string {
  return [...state.mcpServers.values()].some(({ tools }) => tools.includes(tool)) ? "external_mcp" : toolType(tool);
}
