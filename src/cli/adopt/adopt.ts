import { z } from "zod";
import { adoptCommand, adopted as adoptedSchema } from "../../commands/adopt/adopt.ts";
import { statusQuery } from "../../commands/status/status.ts";
import { ConfigError } from "../../config/config-error.ts";
import type { Environment } from "../../config/environment.ts";
import { dataFolderOf, loadConfig, readConfigFile } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import { ControlClient } from "../../runtime/control/client.ts";
import { isNotRunning } from "../../runtime/control/protocol.ts";
import { controlSocketIn } from "../../runtime/control/socket-path.ts";
import { type Console, explain, plain } from "../console.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { type Mapped, readMapping } from "./mapping.ts";

export interface AdoptOptions {
  readonly config: string;
  readonly mapping: string;
  readonly dryRun?: boolean | undefined;
}

/** What only `adopt` needs. */
export interface AdoptEnvironment {
  readonly console: Console;
  readonly env: Environment;
  /** Opens the store of a program that does not run. */
  readonly openStore: (config: Config) => Promise<OfflineAdoption>;
  readonly sleep: (ms: number) => Promise<void>;
}

type Adopted = z.output<typeof adoptedSchema>;
type Inherited = Omit<Mapped, "name">;

export interface OfflineAdoption {
  adopt(inherited: Inherited, dryRun: boolean): Promise<Adopted>;
  close(): Promise<void>;
}

/** One agent takes several requests, each of which has its own limit. */
const timeoutMs = 180_000;

/** Takes over all agents of a mapping, one after the other, through the program that runs or else by itself. */
export async function adopt(options: AdoptOptions, environment: AdoptEnvironment): Promise<ExitCode> {
  const { console } = environment;
  try {
    const mapping = await readMapping(options.mapping);
    const adoption = await connect(options, environment);
    try {
      return await adoptAll(mapping, adoption, options.dryRun ?? false, environment);
    } finally {
      await adoption.close();
    }
  } catch (error) {
    console.err(`${explain(error)}\n`);
    return error instanceof ConfigError ? exitCode.config : exitCode.failed;
  }
}

async function adoptAll(
  mapping: readonly Mapped[],
  adoption: OfflineAdoption,
  dryRun: boolean,
  { console, sleep }: AdoptEnvironment,
): Promise<ExitCode> {
  let refused = 0;
  for (const { name, ...inherited } of mapping) {
    const say = (text: string): void => console.out(`${plain(`${name} (${inherited.agentId}): ${text}`)}\n`);
    let done = await adoption.adopt(inherited, dryRun);
    for (; done.outcome === "later"; done = await adoption.adopt(inherited, dryRun)) {
      say(`waits ${Math.ceil(done.retryAfterMs / 1_000)} s: ${done.reason}`);
      await sleep(done.retryAfterMs);
    }
    if (done.outcome === "refused") refused += 1;
    say(textOf(done, dryRun));
  }
  const count = mapping.length - refused;
  const what = dryRun ? "would be adopted; nothing was changed" : "adopted";
  console.out(`${count} of ${mapping.length} ${what}${refused === 0 ? "" : `, ${refused} refused`}\n`);
  return refused === 0 ? exitCode.ok : exitCode.failed;
}

function textOf(done: Exclude<Adopted, { outcome: "later" }>, dryRun: boolean): string {
  if (done.outcome === "refused") return `refused: ${done.reason}. ${done.remedy}`;
  if (done.steps.length === 0) return "is adopted already: nothing to do";
  return `${dryRun ? "would " : "done: "}${done.steps.join("; ")}`;
}

/** The program that runs has the store to itself. */
async function connect({ config: path }: AdoptOptions, { env, openStore }: AdoptEnvironment): Promise<OfflineAdoption> {
  const folder = dataFolderOf(path, await readConfigFile(path, env));
  const client = new ControlClient({ path: controlSocketIn(folder), timeoutMs });
  const running: OfflineAdoption = {
    adopt: (inherited, dryRun) => client.call(adoptCommand.name, { ...inherited, dryRun }, adoptedSchema),
    close: async () => undefined,
  };
  return (await isRunning(client)) ? running : openStore(await loadConfig(path, env));
}

async function isRunning(client: ControlClient): Promise<boolean> {
  try {
    await client.call(statusQuery.name, {}, z.unknown());
    return true;
  } catch (error) {
    if (isNotRunning(error)) return false;
    throw error;
  }
}
