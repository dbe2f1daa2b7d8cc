import { HttpServer } from "../../src/api/server.ts";
import { scopes } from "../../src/commands/access/principal.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { Changes } from "../../src/commands/watch/changes.ts";
import { mcpPart } from "../../src/mcp/part.ts";
import { installation, server } from "../api/installation.ts";
import { callersInMemory } from "../commands/callers.ts";
import { freePort } from "../servers/free-port.ts";
import { FixtureServer } from "./fixtures/server.ts";

/** The program's MCP over HTTP, with what the suite calls by its name, where everybody may do everything: it shows no token. */
export async function serveEverybody(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const callers = await callersInMemory();
  const commands = bindCommands({ ...installation(), ...callers, server });
  const logger = { warn: () => undefined, error: () => undefined };
  const part = mcpPart({
    commands,
    authentication: callers.tokens,
    clock: callers.clock,
    feed: new Changes({ subscribe: () => () => undefined }, callers.clock),
    logger,
    version: "1.2.3",
    speaker: (info, options) => new FixtureServer(info, options),
    callerOf: () => ({ name: "everybody", scopes: new Set(scopes) }),
  });
  const port = await freePort();
  // Pages are let in that an operator has named; the suite tries one of its own.
  const admission = { allowedHosts: [], allowedOrigins: [`http://localhost:${port}`, `http://127.0.0.1:${port}`] };
  const http = new HttpServer({ host: "127.0.0.1", port, admission, parts: [part], logger });
  await http.start();
  return { url: `http://127.0.0.1:${port}/mcp`, stop: () => http.stop() };
}
