import type { z } from "zod";
import type { BoundCommand } from "../commands/command.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Environment } from "../config/environment.ts";
import { dataFolderOf, readConfigFile } from "../config/load.ts";
import { ControlClient } from "../runtime/control/client.ts";
import { ControlError, isNotRunning } from "../runtime/control/protocol.ts";
import { controlSocketIn } from "../runtime/control/socket-path.ts";
import { folderOf, type RunningOptions } from "./call-running.ts";
import { type Console, explain } from "./console.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { type Terminal, wipe } from "./terminal.ts";

export interface QueryOptions extends RunningOptions {
  readonly json?: boolean | undefined;
  /** Shows it again and again, so many milliseconds apart. */
  readonly watch?: number | undefined;
  /** Reads the store of a process that does not run. */
  readonly lastKnown?: boolean | undefined;
}

/** What was last written down by a process that does not run any more. */
export interface LastKnown {
  readonly commands: readonly BoundCommand[];
  close(): Promise<void>;
}

export interface QueryEnvironment {
  readonly console: Console;
  readonly env: Environment;
  /** Asked anew for each picture: its size may change. */
  readonly terminal: () => Terminal;
  /** Opens the store, which must not be done while the process runs. */
  readonly openLastKnown: (folder: string, server: string) => Promise<LastKnown>;
  readonly onStopRequest: (listener: () => void) => () => void;
  /** Rejects when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Query<TOutput> {
  readonly command: { readonly name: string; readonly output: z.ZodType<TOutput> };
  readonly input: unknown;
  readonly textOf: (output: TOutput, terminal: Terminal) => string;
}

const timeoutMs = 10_000;

/** Asks the running process, and prints what it says: once, or until somebody has seen enough. */
export async function show<TOutput>(
  query: Query<TOutput>,
  options: QueryOptions,
  environment: QueryEnvironment,
): Promise<ExitCode> {
  const { console } = environment;
  try {
    if (options.watch !== undefined) return await watch(query, options, options.watch, environment);
    const { output, code } = options.lastKnown
      ? await lastKnown(query, options, environment)
      : { output: await ask(query, options, environment), code: exitCode.ok };
    console.out(options.json ? `${JSON.stringify(output, null, 2)}\n` : query.textOf(output, environment.terminal()));
    return code;
  } catch (error) {
    console.err(`${explain(error)}\n`);
    if (isNotRunning(error)) console.err("With --last-known this command shows what was last written down.\n");
    return codeFor(error);
  }
}

async function ask<TOutput>(
  { command, input }: Query<TOutput>,
  options: RunningOptions,
  { env }: QueryEnvironment,
): Promise<TOutput> {
  const folder = await folderOf(options, env);
  return new ControlClient({ path: controlSocketIn(folder), timeoutMs }).call(command.name, input, command.output);
}

/** The process that was gone a moment ago may be back: whatever runs is asked first. */
async function lastKnown<TOutput>(query: Query<TOutput>, options: RunningOptions, environment: QueryEnvironment) {
  try {
    return { output: await ask(query, options, environment), code: exitCode.ok };
  } catch (error) {
    if (!isNotRunning(error)) throw error;
  }
  const { console, env, openLastKnown } = environment;
  const file = await readConfigFile(options.config, env);
  const folder = options.data ?? dataFolderOf(options.config, file);
  const { commands, close } = await openLastKnown(folder, file.homeserver.server_name);
  try {
    const command = commands.find(({ name }) => name === query.command.name);
    if (command === undefined) throw new Error(`there is no command "${query.command.name}"`);
    const principal = {
      name: "owner of the store",
      scopes: new Set(["agents:read", "rooms:read", "admin:read"] as const),
    };
    const output = await command.execute(query.input, {
      principal,
      requestId: "last known",
      signal: new AbortController().signal,
    });
    console.err("Nothing runs: this is what was last written down.\n");
    return { output: query.command.output.parse(output), code: exitCode.unavailable };
  } finally {
    await close();
  }
}

/** What is not there for a while is waited for: whoever watches a restart wants to see its end. */
async function watch<TOutput>(
  query: Query<TOutput>,
  options: QueryOptions,
  interval: number,
  environment: QueryEnvironment,
): Promise<ExitCode> {
  const { console, terminal, onStopRequest, sleep } = environment;
  const enough = new AbortController();
  const ignore = onStopRequest(() => enough.abort());
  const show = (text: string): void => console.out(terminal().width === undefined ? text : wipe + text);
  try {
    while (!enough.signal.aborted) {
      try {
        const output = await ask(query, options, environment);
        if (options.json) console.out(`${JSON.stringify(output)}\n`);
        else show(query.textOf(output, terminal()));
      } catch (error) {
        if (!(error instanceof ControlError) || !isPassing(error)) throw error;
        if (options.json) console.err(`${explain(error)}\n`);
        else show(`${explain(error)}\n`);
      }
      await sleep(interval, enough.signal).catch(() => undefined);
    }
    return exitCode.ok;
  } finally {
    ignore();
  }
}

function isPassing({ kind }: ControlError): boolean {
  return kind === "not-running" || kind === "overdue" || kind === "malformed";
}

function codeFor(error: unknown): ExitCode {
  if (error instanceof ConfigError) return exitCode.config;
  return isNotRunning(error) ? exitCode.unavailable : exitCode.failed;
}
