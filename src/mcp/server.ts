import { randomUUID } from "node:crypto";
import { type Implementation, Server, type ServerOptions } from "@modelcontextprotocol/server";
import type { Principal } from "../commands/access/principal.ts";
import { type ChangeFeed, topics } from "../commands/watch/changes.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Catalogue } from "./catalogue.ts";
import { failureOf } from "./failure.ts";
import { isOperation, matrixMessaging, operationOf } from "./matrix-messaging.ts";
import { Progress } from "./progress.ts";
import { addResources, Resources } from "./resources.ts";
import { failed, resultOf } from "./result.ts";
import { type Outlet, Subscriptions } from "./subscriptions.ts";
import type { Tool, Toolset } from "./tool.ts";

export interface McpOptions {
  readonly catalogue: Catalogue;
  readonly logger: Pick<Logger, "error">;
  /** Tells what has changed. */
  readonly feed: ChangeFeed;
  readonly clock: Clock;
  /** Of this program, as clients are told it. */
  readonly version: string;
  /** Makes what speaks the protocol: the SDK's server, or one that is tried. */
  readonly speaker?: (info: Implementation, options: ServerOptions) => Server;
}

/** What one client may read, and what of it it wants to hear of. */
export interface Interests {
  readonly resources: Resources;
  readonly subscriptions: Subscriptions;
}

export function interestsOf(
  { catalogue, feed, clock, logger }: Pick<McpOptions, "catalogue" | "feed" | "clock" | "logger">,
  client: Client,
): Interests {
  return {
    resources: new Resources(catalogue.commands, client, logger),
    subscriptions: new Subscriptions(feed, clock),
  };
}

/** Who is served, and with what. */
export interface Client {
  readonly principal: Principal;
  readonly toolset: Toolset;
  /** Whom `x-agent-id` names: it acts as that agent where a call names none. Only of a caller that is bound to none. */
  readonly acting?: string;
}

const instructions =
  "Letta agents on Matrix: each has its own user and its own room. Rooms, events and users have ids that other tools give.";

const plain = (info: Implementation, options: ServerOptions) => new Server(info, options);

/** One client's server: what it is offered is what its scopes allow. It speaks both eras of the protocol. */
export function mcpServer(
  { catalogue, logger, clock, version, speaker = plain }: Omit<McpOptions, "feed">,
  client: Client,
  { resources, subscriptions }: Interests,
): Server {
  const { principal, toolset, acting } = client;
  const tools = catalogue.of(toolset).filter(({ command }) => principal.scopes.has(command.scope));
  const byName = new Map(tools.map((tool) => [tool.listed.name, tool]));
  const messaging = toolset === "matrix" ? matrixMessaging(tools, catalogue, principal) : undefined;
  const server = speaker(
    { name: "letta-matrix", title: "Letta agents on Matrix", version },
    { capabilities: { tools: {} }, instructions },
  );
  server.setRequestHandler("tools/list", () => ({
    tools: [...tools.map(({ listed }) => listed), ...(messaging === undefined ? [] : [messaging])],
  }));
  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const { _meta, signal, notify } = context.mcpReq;
    const token = _meta?.progressToken;
    const progress =
      token === undefined
        ? undefined
        : new Progress(clock, (step, message) => {
            const params = { progressToken: token, progress: step, ...(message !== undefined && { message }) };
            void notify({ method: "notifications/progress", params }).catch(() => undefined);
          });
    const call = {
      principal,
      requestId: randomUUID(),
      signal,
      ...(progress !== undefined && { progress: (message: string) => progress.say(message) }),
    };
    try {
      const meant =
        messaging?.name === params.name ? operationOf(params.arguments, tools, catalogue, principal) : params;
      const tool: Tool | undefined = isOperation(meant) ? meant.tool : byName.get(params.name);
      if (tool === undefined) throw new NoSuchTool(params.name, [...byName.keys()]);
      return resultOf(tool, await tool.run(meant.arguments, call, acting));
    } catch (error) {
      const about = { requestId: call.requestId, tool: params.name };
      return failed(failureOf(error, { logger, signal, what: "a tool call failed", about }).text);
    } finally {
      progress?.end();
    }
  });
  addResources(server, resources, subscriptions);
  // Of 2025: whoever has a session hears that the list has changed without asking for it.
  server.oninitialized = () => {
    if (resources.isListOpen) void subscriptions.addList(topics.agents).catch(() => undefined);
  };
  return server;
}

/** By which a server itself tells its client, where the two are connected for long. */
export function outletOf(server: Server, isBehind: () => boolean): Outlet {
  // A client that is gone has heard enough.
  const told = (sent: Promise<void>): void => void sent.catch(() => undefined);
  return {
    updated: (uri) => told(server.sendResourceUpdated({ uri })),
    listChanged: () => told(server.sendResourceListChanged()),
    isBehind,
  };
}

/** Nothing was done. */
export class NoSuchTool extends Error {
  override readonly name = "NoSuchTool";
  readonly remedy: string;

  constructor(name: string, known: readonly string[]) {
    super(`there is no tool "${name.slice(0, 100)}" for you here`);
    this.remedy = known.length === 0 ? "Your token has no scope for any." : `There are: ${known.join(", ")}.`;
  }
}
