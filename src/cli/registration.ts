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
      url: options.url === undefined ? reachable(listen) : asked(options.url),
      serverName: homeserver.server_name,
      spaceAlias: space.alias,
    });
    await write(file, registrationYaml(registration));
    const table = options.for === "tuwunel" ? `${file.replace(/\.ya?ml$/, "")}.toml` : undefined;
    if (table !== undefined) await write(table, tuwunelTable(registration));
    const isConfigured = configured !== undefined && resolve(file) === resolve(dirname(options.config), configured);
    console.out(nextSteps(options, { file, table, isConfigured }));
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

/** An address that no homeserver could push to. */
class UrlWithoutScheme extends Error {
  override readonly name = "UrlWithoutScheme";
  readonly remedy = "Name the whole address at which the homeserver reaches letta-matrix: --url http://host:29331";

  constructor(url: string) {
    super(`${url} does not begin with http:// or https://`);
  }
}

/** Homeservers put a path behind it that begins with a slash. */
function asked(url: string): string {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw new UrlWithoutScheme(url);
  return url.replace(/\/+$/, "");
}

interface Written {
  readonly file: string;
  readonly table: string | undefined;
  /** Whether it is the file that the configuration names: what we are known by is what is in that one. */
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
    ...(isConfigured ? [] : [`Set homeserver.appservice.registration_file in ${config} to ${resolve(file)}.`]),
    "If letta-matrix runs, restart letta-matrix: until then it goes on as it was started.",
    "See whether the homeserver reaches us: letta-matrix doctor",
  ];
  return `${[file, table].filter(Boolean).join(" and ")} written.\n\nNext:\n${steps.map((step, index) => `  ${index + 1}. ${step}\n`).join("")}`;
}
