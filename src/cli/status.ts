import { statusQuery } from "../commands/status/status.ts";
import type { Environment } from "../config/environment.ts";
import { callRunning, type RunningOptions } from "./call-running.ts";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit-code.ts";
import { statusText } from "./status-text.ts";

export interface StatusOptions extends RunningOptions {
  readonly json?: boolean | undefined;
}

const timeoutMs = 10_000;

/** Asks the running process, and prints what it says. */
export function showStatus(options: StatusOptions, console: Console, env: Environment): Promise<ExitCode> {
  return callRunning({ command: statusQuery, timeoutMs }, options, console, env, (status) =>
    options.json === true ? `${JSON.stringify(status, null, 2)}\n` : statusText(status),
  );
}
