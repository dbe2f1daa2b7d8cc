import type { Command } from "commander";
import type { Principal } from "../commands/access/principal.ts";
import { agentsRoom } from "../commands/agents/room.ts";
import type { BoundCommand } from "../commands/command.ts";
import { type Remote, remoteCommands } from "../commands/index.ts";
import { type ChangeFeed, heard } from "../commands/watch/changes.ts";
import { ConfigError } from "../config/config-error.ts";
import { ControlClient } from "../runtime/control/client.ts";
import { isNotRunning } from "../runtime/control/protocol.ts";
import { controlSocketIn } from "../runtime/control/socket-path.ts";
import { folderOf, type RunningOptions } from "./call-running.ts";
import { explain } from "./console.ts";
import { type AsAgent, asAgentName, changesName, owner, ownerAs } from "./control-handlers.ts";
import { exitCode } from "./exit-code.ts";
import type { OperatingEnvironment } from "./operator-commands.ts";

/** What a client is served with over standard input and output. */
export interface ToolServing {
  readonly commands: readonly BoundCommand[];
  /** Tells what changes. */
  readonly feed: ChangeFeed;
  readonly principal: Principal;
}

export interface ToolsEnvironment {
  /** Resolves when the client has gone. */
  readonly serveTools: (serving: ToolServing) => Promise<void>;
}

type Options = RunningOptions & { readonly agent?: string };

/** Longer than any command takes: an agent's answer is waited for up to a minute, Letta's list for two. */
const timeoutMs = 125_000;

/** Adds the command that MCP clients start. */
export function addMcp(program: Command, environment: OperatingEnvironment & ToolsEnvironment): void {
  const { console, env, config, examplesOf, ended, serveTools } = environment;
  program
    .command("mcp")
    .summary("serve tools to an MCP client that starts this")
    .description(
      "Speaks MCP over standard input and output, until the client closes them: for clients that start their servers themselves. What is called goes to the running process over the control socket, with all rights of the user who runs it; or, if an agent is named, with those of that agent alone.",
    )
    .addOption(config())
    .option("-d, --data <folder>", "the data folder, instead of the one that the configuration names")
    .option("-a, --agent <agent>", "the agent as which all is done: its name, its id in Letta or its user id")
    .addHelpText("after", examplesOf("letta-matrix mcp", "letta-matrix mcp --agent Scout"))
    .action(async ({ agent, ...options }: Options) => {
      try {
        const client = new ControlClient({ path: controlSocketIn(await folderOf(options, env)), timeoutMs });
        // A name may pass to another agent; asked before anything is served, so that a wrong one is told at once.
        const found =
          agent === undefined ? undefined : await client.call(agentsRoom.name, { agent }, agentsRoom.output);
        await serveTools({
          commands: remoteCommands(found === undefined ? asOwner(client) : asThisAgent(client, found.agentId)),
          feed: { next: (asked, signal) => client.call(changesName, asked, heard, signal) },
          principal: found === undefined ? owner : ownerAs(found.agentId),
        });
        ended(exitCode.ok);
      } catch (error) {
        console.err(`${explain(error)}\n`);
        if (error instanceof ConfigError) ended(exitCode.config);
        else ended(isNotRunning(error) ? exitCode.unavailable : exitCode.failed);
      }
    });
}

function asOwner(client: ControlClient): Remote {
  return ({ name, output }, input, { signal }) => client.call(name, input, output, signal);
}

/** There as well it may do no more than the agent. */
function asThisAgent(client: ControlClient, agentId: string): Remote {
  return ({ name: command, output }, input, { signal }) => {
    const asked: AsAgent = { agentId, command, input };
    return client.call(asAgentName, asked, output, signal);
  };
}
