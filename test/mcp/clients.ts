import {
  Client as ClientOfToday,
  StreamableHTTPClientTransport as TransportOfToday,
} from "@modelcontextprotocol/client";
import { Client as ClientOf2025 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportOf2025 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { z } from "zod";

/** Left to itself, this client too begins with the handshake of 2025. */
export const ofToday = { versionNegotiation: { mode: { pin: "2026-07-28" } } } as const;

/** What both generations' clients can do. */
export interface Tools {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  readResource(which: { uri: string }): Promise<unknown>;
  complete(what: {
    ref: { type: "ref/resource"; uri: string };
    argument: { name: string; value: string };
  }): Promise<{ completion: object }>;
  getServerVersion(): { version: string } | undefined;
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
      return client;
    },
  ],
  [
    "of today, without one",
    async (address, headers) => {
      const client = new ClientOfToday({ name: "test", version: "1" }, ofToday);
      await client.connect(new TransportOfToday(address, { requestInit: { headers } }));
      return client;
    },
  ],
];

const result = z.object({
  content: z.array(z.object({ type: z.literal("text"), text: z.string() })),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  isError: z.boolean().optional(),
});

export async function call(client: Tools, name: string, args: Record<string, unknown> = {}) {
  return result.parse(await client.callTool({ name, arguments: args }));
}
