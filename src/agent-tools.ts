import { hash } from "node:crypto";
import { agentScopes, type Principal } from "./commands/access/principal.ts";
import type { BoundCommand } from "./commands/command.ts";
import type { ExternalTools, ToolCaller, ToolOutcome } from "./letta/port.ts";
import { Catalogue } from "./mcp/catalogue.ts";
import { failureOf } from "./mcp/failure.ts";
import { failed, resultOf } from "./mcp/result.ts";
import type { Logger } from "./telemetry/logger.ts";

export interface AgentToolsOptions {
  readonly commands: readonly BoundCommand[];
  /** By name. */
  readonly offered: readonly string[];
  readonly logger: Pick<Logger, "error">;
}

/** The tools for Matrix as agents have them without any set-up: whoever calls one acts as the agent whose turn it is. */
export function agentTools({ commands, offered, logger }: AgentToolsOptions): ExternalTools {
  const tools = new Map(
    new Catalogue(commands)
      .named(offered)
      .filter(({ command }) => agentScopes.has(command.scope))
      .map((tool) => [tool.listed.name, tool]),
  );
  return {
    list: [...tools.values()].map(({ listed: { name, description, inputSchema: parameters } }) => ({
      name,
      description,
      parameters,
    })),
    async call(caller, name, input, signal) {
      const requestId = callIdOf(caller);
      try {
        const tool = tools.get(name);
        if (tool === undefined) throw new NoSuchAgentTool(name);
        const { conversationId } = caller;
        const call = { principal: principalOf(caller), requestId, signal, conversationId };
        return outcomeOf(resultOf(tool, await tool.run(input, call)));
      } catch (error) {
        const about = { requestId, tool: name, agentId: caller.agentId };
        return outcomeOf(failed(failureOf(error, { logger, signal, what: "a tool call failed", about }).text));
      }
    },
  };
}

function principalOf({ agentId }: ToolCaller): Principal {
  return { name: agentId, agentId, scopes: agentScopes };
}

/** The same whenever this call comes: what it does is named by it, and so is done once. */
function callIdOf({ agentId, otid, toolCallId }: ToolCaller): string {
  return `tool-${hash("sha256", JSON.stringify([agentId, otid, toolCallId]), "base64url")}`;
}

function outcomeOf({
  content,
  isError = false,
}: Pick<ReturnType<typeof resultOf>, "content" | "isError">): ToolOutcome {
  return { text: content.map((part) => (part.type === "text" ? part.text : "")).join("\n"), isError };
}

/** Nothing was done. */
class NoSuchAgentTool extends Error {
  override readonly name = "NoSuchAgentTool";
  readonly remedy = "Use one that is listed.";

  constructor(name: string) {
    super(`there is no tool "${name.slice(0, 100)}" here`);
  }
}
