import { resolve } from "node:path";
import type { Command, Option } from "commander";
import { z } from "zod";
import { backupCommand } from "../commands/store/backup.ts";
import { inspectQuery } from "../commands/store/inspect.ts";
import { type IdleStorage, inspection } from "../commands/store/schema.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Environment } from "../config/environment.ts";
import { readConfigFile } from "../config/load.ts";
import { ControlClient } from "../runtime/control/client.ts";
import { isNotRunning } from "../runtime/control/protocol.ts";
import { controlSocketIn } from "../runtime/control/socket-path.ts";
import { folderOf, type RunningOptions } from "./call-running.ts";
import { type Console, explain } from "./console.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import type { QueryEnvironment } from "./query.ts";
import { backedUpText, inspectedText, repairedText, restoredText } from "./storing-text.ts";
import type { Terminal } from "./terminal.ts";

export interface StoringEnvironment {
  readonly console: Console;
  readonly env: Environment;
  readonly terminal: () => Terminal;
  readonly openLastKnown: QueryEnvironment["openLastKnown"];
  readonly openIdleStorage: (dataFolder: string) => Promise<IdleStorage>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly config: () => Option;
  readonly examplesOf: (...lines: readonly string[]) => string;
  /** Called with how a command has ended. */
  readonly ended: (code: ExitCode) => void;
}

type Options = RunningOptions & { readonly json?: boolean | undefined };

/** A large store takes its time, ms. */
const timeoutMs = 600_000;

/** Adds the commands that are about the store as a whole. */
export function addStoring(program: Command, environment: StoringEnvironment): void {
  const { console, terminal, now, config, examplesOf, ended } = environment;
  const storing = (name: string, summary: string, description: string, ...lines: readonly string[]) =>
    program
      .command(name)
      .summary(summary)
      .description(description)
      .addOption(config())
      .option("-d, --data <folder>", "the data folder, instead of the one that the configuration names")
      .option("--json", "print JSON")
      .addHelpText("after", examplesOf(...lines));
  const carryOut = async <TOutput>(
    { json }: Options,
    work: () => Promise<TOutput>,
    textOf: (output: TOutput) => string,
    codeOf: (output: TOutput) => ExitCode = () => exitCode.ok,
  ): Promise<void> => {
    try {
      const output = await work();
      console.out(json === true ? `${JSON.stringify(output ?? null, null, 2)}\n` : textOf(output));
      ended(codeOf(output));
    } catch (error) {
      console.err(`${explain(error)}\n`);
      ended(error instanceof ConfigError ? exitCode.config : exitCode.failed);
    }
  };

  storing(
    "backup",
    "write everything that is known into one file",
    "Writes the store as it is at this moment, and the instance secret, into one new file that only you can read: also while the program runs, which goes on meanwhile. The file holds access tokens and what people said: keep it as you keep passwords. A file that exists is never replaced.",
    "letta-matrix backup /var/backups/letta-matrix-$(date +%F)",
  )
    .argument("<file>", "where to write it, by the process that runs, if one does")
    .action((file: string, options: Options) =>
      carryOut(options, () => call(backupCommand, { file: resolve(file) }, options, environment), backedUpText),
    );

  storing(
    "restore",
    "make the store from a backup",
    "Makes the store and the instance secret from a backup, while nothing runs. The next start finds out in the rooms and in Letta's history what has happened since the backup was made, so that nothing is answered twice. A store that is there is refused, unless --replace moves it aside.",
    "letta-matrix restore /var/backups/letta-matrix-2026-11-26",
    "letta-matrix restore --replace /var/backups/letta-matrix-2026-11-26",
  )
    .argument("<file>", "what `letta-matrix backup` has written")
    .option("--replace", "move the present store aside, which is kept")
    .action((file: string, options: Options & { readonly replace?: boolean }) =>
      carryOut(
        options,
        async () => {
          const storage = await idle(options, environment);
          return storage.restore(resolve(file), { replace: options.replace === true });
        },
        restoredText,
      ),
    );

  storing(
    "inspect",
    "tell what is in the store, or in a backup",
    "Counts what is in the store, or in a backup, by kind and by actor, and says what of it is damaged. Changes nothing, and never shows a secret, or what was said. Asks the running process, if one runs. Exit status: 1 when something is damaged.",
    "letta-matrix inspect",
    "letta-matrix inspect /var/backups/letta-matrix-2026-11-26",
    "letta-matrix inspect --actor example.org/agent/agent-7f3c2a10 --json",
  )
    .argument("[backup]", "a backup, instead of the store")
    .option("-a, --actor <id>", "more of this actor, as `letta-matrix status` names it")
    .action((backup: string | undefined, options: Options & { readonly actor?: string }) =>
      carryOut(
        options,
        () => inspect(backup, options, environment),
        (output) => inspectedText(output, now(), terminal()),
        ({ damage }) => (damage.length === 0 ? exitCode.ok : exitCode.failed),
      ),
    );

  storing(
    "repair",
    "save what is left of a damaged store",
    "Makes a new store of what a damaged one still has, while nothing runs, and moves the damaged one aside, as it is. What is lost is found out again at the next start: agents and rooms from Letta and the homeserver, what was answered from the rooms. A restored backup may be the better way, where there is a new one. Changes nothing when the store is whole.",
    "letta-matrix repair",
  ).action((options: Options) =>
    carryOut(options, async () => (await idle(options, environment)).repair(), repairedText),
  );
}

interface Called<TOutput> {
  readonly name: string;
  readonly output: z.ZodType<TOutput>;
}

/** By the running process, or where none runs, on the store itself. */
async function call<TOutput extends object>(
  command: Called<TOutput>,
  input: unknown,
  options: Options,
  environment: StoringEnvironment,
): Promise<TOutput> {
  const folder = await folderOf(options, environment.env);
  return (await callRunning(command, input, folder)) ?? callStore(command, input, folder, options, environment);
}

/** Nothing, where no process runs. */
async function callRunning<TOutput extends object>(
  { name, output }: Called<TOutput>,
  input: unknown,
  folder: string,
): Promise<TOutput | undefined> {
  try {
    return await new ControlClient({ path: controlSocketIn(folder), timeoutMs }).call(name, input, output);
  } catch (error) {
    if (isNotRunning(error)) return undefined;
    throw error;
  }
}

async function callStore<TOutput>(
  { name, output }: Called<TOutput>,
  input: unknown,
  folder: string,
  { config }: Options,
  { env, openLastKnown }: StoringEnvironment,
): Promise<TOutput> {
  const { homeserver } = await readConfigFile(config, env);
  const { commands, close } = await openLastKnown(folder, homeserver.server_name);
  try {
    const command = commands.find((one) => one.name === name);
    if (command === undefined) throw new Error(`there is no command "${name}"`);
    const principal = { name: "owner of the store", scopes: new Set(["admin:read", "admin:control"] as const) };
    return output.parse(
      await command.execute(input, { principal, requestId: "last known", signal: new AbortController().signal }),
    );
  } finally {
    await close();
  }
}

async function inspect(
  backup: string | undefined,
  options: Options & { readonly actor?: string },
  environment: StoringEnvironment,
) {
  const { actor } = options;
  if (backup !== undefined) {
    const storage = await environment.openIdleStorage(".");
    return inspection.parse(await storage.inspectBackup(resolve(backup), actor));
  }
  const folder = await folderOf(options, environment.env);
  const inspected = await callRunning(inspectQuery, { ...(actor !== undefined && { actor }) }, folder);
  return inspected ?? inspection.parse(await (await environment.openIdleStorage(folder)).inspect(actor));
}

/** The store, while nothing runs. Throws {@link StillRunning}. */
async function idle(options: Options, environment: StoringEnvironment): Promise<IdleStorage> {
  const folder = await folderOf(options, environment.env);
  const client = new ControlClient({ path: controlSocketIn(folder), timeoutMs: 10_000 });
  try {
    await client.call("status", {}, z.unknown());
  } catch (error) {
    if (isNotRunning(error)) return environment.openIdleStorage(folder);
  }
  throw new StillRunning(folder);
}

/** A process runs on the data folder; nothing was done. */
class StillRunning extends Error {
  override readonly name = "StillRunning";
  readonly remedy = "Stop it first.";

  constructor(folder: string) {
    super(`the program runs with the data folder ${folder}`);
  }
}
