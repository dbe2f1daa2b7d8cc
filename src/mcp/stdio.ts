import type { Readable, Writable } from "node:stream";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { BoundCommand } from "../commands/command.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { Catalogue } from "./catalogue.ts";
import { ListeningOver } from "./listening.ts";
import { Overheard } from "./overheard.ts";
import { type Client, interestsOf, type McpOptions, mcpServer, outletOf } from "./server.ts";

export interface StdioOptions extends Pick<McpOptions, "logger" | "feed" | "version"> {
  /** The real one when left out. */
  readonly clock?: Clock;
  readonly commands: readonly BoundCommand[];
  readonly input: Readable;
  readonly output: Writable;
}

/** MCP over a pair of streams, for one client, in the era that it begins with. Resolves when the client has gone. */
export async function mcpOverStdio(
  { input, output, commands, clock = systemClock, ...options }: StdioOptions,
  client: Client,
): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    input.once("end", resolve);
    input.once("close", resolve);
  });
  const offered = { catalogue: new Catalogue(commands), clock, ...options };
  const interests = interestsOf(offered, client);
  const listening = new ListeningOver(interests);
  const transport = new Overheard(new StdioServerTransport(input, output), (message) => listening.hear(message));
  const serving = serveStdio(
    () => {
      const server = mcpServer(offered, client, interests);
      // The last one is the one that stays: before it there may be one that is only asked what it can do.
      interests.subscriptions.open(outletOf(server, () => output.writableNeedDrain));
      return server;
    },
    { transport },
  );
  await gone;
  listening.end();
  await serving.close();
}
