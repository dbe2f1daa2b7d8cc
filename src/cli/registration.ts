import { unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError } from "../config/config-error.ts";
import type { Environment } from "../config/environment.ts";
import { readConfigFile } from "../config/load.ts";
import { newRegistration, type Registrable, registrationYaml, tuwunelTable } from "../config/registration-text.ts";
import { type Console, explain } from "./console.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { writeNew } from "./new-file.ts";

export interface RegistrationOptions {
  readonly config: string;
  readonly for: Registrable;
  /** Where the homeserver reaches us. */
  readonly url?: string | undefined;
  readonly out?: string | undefined;
}

const defaultFile = "letta-matrix-registration.yaml";

/** Writes what a homeserver has to be told of us, with new tokens, never over anything that is there. */
export async function writeRegistration(
  options: RegistrationOptions,
  console: Console,
  env: Environment,
): Promise<ExitCode> {
  const made: string[] = [];
  const write = async (path: string, text: string): Promise<void> => {
    await writeNew(path, text, "It may be in use: name another file with --out, or move it away to begin anew.");
    made.push(path);
  };
  try {
    const { homeserver, space } = await readConfigFile(options.config, env);
    const { registration_file: configured, listen } = homeserver.appservice;
    const file = options.out ?? resolve(dirname(options.config), configured ?? defaultFile);
    const registration = newRegistration({
      url: options.url ?? reachable(listen),
      serverName: homeserver.server_name,
      spaceAlias: space.alias,
    });
    await write(file, registrationYaml(registration));
    const table = options.for === "tuwunel" ? `${file.replace(/\.ya?ml$/, "")}.toml` : undefined;
    if (table !== undefined) await write(table, tuwunelTable(registration));
    console.out(nextSteps(options, { file, table, isConfigured: configured !== undefined }));
    return exitCode.ok;
  } catch (error) {
    for (const file of made) await unlink(file).catch(() => undefined);
    console.err(`${explain(error)}\n`);
    return error instanceof ConfigError ? exitCode.config : exitCode.failed;
  }
}

/** Who listens on all addresses is reached on this machine by its own. */
function reachable(listen: string): string {
  return `http://${listen.replace(/^(0\.0\.0\.0|\[::\]):/, "127.0.0.1:")}`;
}

interface Written {
  readonly file: string;
  readonly table: string | undefined;
  readonly isConfigured: boolean;
}

function nextSteps({ for: homeserver, config }: RegistrationOptions, { file, table, isConfigured }: Written): string {
  const forHomeserver = {
    synapse: `Copy ${file} to where Synapse can read it and nobody else, name the copy in homeserver.yaml under app_service_config_files, and restart Synapse.`,
    dendrite: `Copy ${file} to where Dendrite can read it and nobody else, name the copy in dendrite.yaml under app_service_api.config_files, and restart Dendrite.`,
    tuwunel: `Add ${table} to tuwunel.toml, and restart Tuwunel.`,
  };
  const steps = [
    forHomeserver[homeserver],
    ...(isConfigured
      ? []
      : [`Set homeserver.appservice.registration_file in ${config} to ${resolve(file)}, and restart letta-matrix.`]),
    "See whether the homeserver reaches us: letta-matrix doctor",
  ];
  return `${[file, table].filter(Boolean).join(" and ")} written.\n\nNext:\n${steps.map((step, index) => `  ${index + 1}. ${step}\n`).join("")}`;
}
