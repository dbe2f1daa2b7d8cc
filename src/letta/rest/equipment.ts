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

/** The agent's variable that holds its key. */
export const variable = "LETTA_MATRIX_TOKEN";

/** What Letta is to show us: each agent's own key, or where no agent calls, as when it looks at the tools, another one. */
export function authorizationBy(keyToLook?: string): string {
  return keyToLook === undefined ? `Bearer {{ ${variable} }}` : `Bearer {{ ${variable} | ${keyToLook} }}`;
}

export function configOf(server_url: string, keyToLook?: string) {
  return {
    mcp_server_type: "streamable_http" as const,
    server_url,
    auth_header: "Authorization",
    auth_token: authorizationBy(keyToLook),
  };
}
