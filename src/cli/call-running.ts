import type { z } from "zod";
import { ConfigError } from "../config/config-error.ts";
import type { Environment } from "../config/environment.ts";
import { dataFolderOf, readConfigFile } from "../config/load.ts";
import { ControlClient } from "../runtime/control/client.ts";
import { isNotRunning } from "../runtime/control/protocol.ts";
import { controlSocketIn } from "../runtime/control/socket-path.ts";
import { type Console, explain } from "./console.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";

export interface RunningOptions {
  readonly config: string;
  /** Instead of the folder that the configuration names. */
  readonly data?: string | undefined;
}

interface Called<TOutput> {
  readonly command: { readonly name: string; readonly output: z.ZodType<TOutput> };
  readonly input?: unknown;
  readonly timeoutMs: number;
}

/** The data folder of the process that is meant. Throws {@link ConfigError}. */
export async function folderOf({ data, config }: RunningOptions, env: Environment): Promise<string> {
  return data ?? dataFolderOf(config, await readConfigFile(config, env));
}

/** Lets the running process carry out a command, and prints what it says. */
export async function callRunning<TOutput>(
  { command, input = {}, timeoutMs }: Called<TOutput>,
  options: RunningOptions,
  console: Console,
  env: Environment,
  textOf: (output: TOutput) => string | Promise<string>,
): Promise<ExitCode> {
  try {
    const client = new ControlClient({ path: controlSocketIn(await folderOf(options, env)), timeoutMs });
    console.out(await textOf(await client.call(command.name, input, command.output)));
    return exitCode.ok;
  } catch (error) {
    console.err(`${explain(error)}\n`);
    if (error instanceof ConfigError) return exitCode.config;
    return isNotRunning(error) ? exitCode.unavailable : exitCode.failed;
  }
}
