import {
  Client as ClientOfToday,
  StreamableHTTPClientTransport as TransportOfToday,
} from "@modelcontextprotocol/client";
import { Client as ClientOf2025 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportOf2025 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { z } from "zod";

/** Left to itself, this client too begins with the handshake of 2025. */
export const ofToday = { versionNegotiation: { mode: { pin: "2026-07-28" } } } as const;

export interface ToolCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

export interface Following {
  readonly signal: AbortSignal;
  readonly onprogress: (progress: { message?: string | undefined }) => void;
}

/** What both generations' clients can do. */
export interface Tools {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: ToolCall): Promise<unknown>;
  /** The same, which tells how far it is, and may be given up. */
  callFollowed(call: ToolCall, how: Following): Promise<unknown>;
  getServerVersion(): { version: string } | undefined;
  listResources(): Promise<unknown>;
  readResource(which: { uri: string }): Promise<unknown>;
  complete(what: {
    ref: { type: "ref/resource"; uri: string };
    argument: { name: string; value: string };
  }): Promise<{ completion: object }>;
  close(): Promise<void>;
}

export type Connect = (address: URL, headers: Readonly<Record<string, string>>) => Promise<Tools>;

/** The official clients of both eras of the protocol. */
export const generations: readonly (readonly [string, Connect])[] = [
  [
    "of 2025, with a session",
    async (address, headers) => {
      const client = new ClientOf2025({ name: "test", version: "1" });
      await client.connect(new TransportOf2025(address, { requestInit: { headers } }));
      return Object.assign(client, {
        callFollowed: (called: ToolCall, how: Following) => client.callTool(called, undefined, how),
      });
    },
  ],
  [
    "of today, without one",
    async (address, headers) => {
      const client = new ClientOfToday({ name: "test", version: "1" }, ofToday);
      await client.connect(new TransportOfToday(address, { requestInit: { headers } }));
      return Object.assign(client, {
        callFollowed: (called: ToolCall, how: Following) => client.callTool(called, how),
      });
    },
  ],
];

const result = z.object({
  content: z.array(z.object({ type: z.literal("text"), text: z.string() })),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  isError: z.boolean().optional(),
});

export async function call(client: Pick<Tools, "callTool">, name: string, args: Record<string, unknown> = {}) {
  return result.parse(await client.callTool({ name, arguments: args }));
}
