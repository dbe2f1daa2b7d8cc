import { status as statusSchema } from "../commands/status/schema.ts";
import { statusQuery } from "../commands/status/status.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Environment } from "../config/environment.ts";
import { dataFolderOf, readConfigFile } from "../config/load.ts";
import { ControlClient } from "../runtime/control/client.ts";
import { ControlError } from "../runtime/control/protocol.ts";
import { controlSocketIn } from "../runtime/control/socket-path.ts";
import { type Console, explain } from "./console.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { statusText } from "./status-text.ts";

export interface StatusOptions {
  readonly config: string;
  /** Instead of the folder that the configuration names. */
  readonly data?: string | undefined;
  readonly json?: boolean | undefined;
}

const timeoutMs = 10_000;

/** Asks the running process, and prints what it says. */
export async function showStatus(options: StatusOptions, console: Console, env: Environment): Promise<ExitCode> {
  try {
    const folder = options.data ?? dataFolderOf(options.config, await readConfigFile(options.config, env));
    const client = new ControlClient({ path: controlSocketIn(folder), timeoutMs });
    const status = await client.call(statusQuery.name, {}, statusSchema);
    console.out(options.json === true ? `${JSON.stringify(status, null, 2)}\n` : statusText(status));
    return exitCode.ok;
  } catch (error) {
    console.err(`${explain(error)}\n`);
    if (error instanceof ConfigError) return exitCode.config;
    return error instanceof ControlError && error.kind === "not-running" ? exitCode.unavailable : exitCode.failed;
  }
}
