import type { Readable, Writable } from "node:stream";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { BoundCommand } from "../commands/command.ts";
import { Catalogue } from "./catalogue.ts";
import { type Client, type McpOptions, mcpServer } from "./server.ts";

export interface StdioOptions extends Pick<McpOptions, "logger"> {
  readonly commands: readonly BoundCommand[];
  readonly input: Readable;
  readonly output: Writable;
}

/** MCP over a pair of streams, for one client, in the era that it begins with. Resolves when the client has gone. */
export async function mcpOverStdio({ input, output, commands, logger }: StdioOptions, client: Client): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    input.once("end", resolve);
    input.once("close", resolve);
  });
  const options = { catalogue: new Catalogue(commands), logger };
  const serving = serveStdio(() => mcpServer(options, client), { transport: new StdioServerTransport(input, output) });
  await gone;
  await serving.close();
}
