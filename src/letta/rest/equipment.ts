import { z } from "zod";

/** What Letta tells of the MCP servers that it knows, and of what its agents have. */

export const mcpServer = z.looseObject({
  id: z.string(),
  server_name: z.string(),
  server_url: z.string().nullish(),
  auth_token: z.string().nullish(),
});
export type McpServer = z.output<typeof mcpServer>;

export const namedTool = z.looseObject({ id: z.string(), name: z.string() });
export type NamedTool = z.output<typeof namedTool>;

export const equippedAgent = z.looseObject({
  tools: z.array(z.looseObject({ id: z.string(), name: z.string().nullish() })).nullish(),
  /** An agent's variables; a value that is not told is none that could be written again. */
  secrets: z.array(z.looseObject({ key: z.string(), value: z.string().nullish() })).nullish(),
});
export type EquippedAgent = z.output<typeof equippedAgent>;

export function configOf(server_url: string, authorization: string) {
  return {
    mcp_server_type: "streamable_http" as const,
    server_url,
    auth_header: "Authorization",
    auth_token: authorization,
  };
}
