import type { FoundAgents } from "../commands/discovery/found.ts";
import { discoveryRun } from "../commands/discovery/run.ts";
import type { Environment } from "../config/environment.ts";
import { callRunning, type RunningOptions } from "./call-running.ts";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit-code.ts";

export interface DiscoveryOptions extends RunningOptions {
  readonly json?: boolean | undefined;
}

/** As long as Letta's listing may take. */
const timeoutMs = 125_000;

/** Lets the running process list Letta's agents, and prints what it found. */
export function runDiscovery(options: DiscoveryOptions, console: Console, env: Environment): Promise<ExitCode> {
  return callRunning({ command: discoveryRun, timeoutMs }, options, console, env, (found) =>
    options.json === true ? `${JSON.stringify(found, null, 2)}\n` : foundText(found),
  );
}

function foundText({ listed, fresh, renamed, back, missing, disabled }: FoundAgents): string {
  const changes = [
    [fresh, "new"],
    [renamed, "renamed"],
    [back, "back"],
    [missing, "missing"],
    [disabled, "disabled"],
  ] as const;
  const told = changes.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `${listed} ${listed === 1 ? "agent" : "agents"} listed: ${told.length === 0 ? "nothing has changed" : told.join(", ")}\n`;
}
