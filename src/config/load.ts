import { dirname, resolve } from "node:path";
import { ambiguities, rivalsOf, wrongKeyForLetta } from "./alternatives.ts";
import { apiConfig } from "./api-keys.ts";
import { unattachable } from "./attached-tools.ts";
import { ConfigError } from "./config-error.ts";
import { diagnose } from "./diagnose.ts";
import { type Environment, type Override, overridesIn } from "./environment.ts";
import { openThroughProxy } from "./former-openness.ts";
import { keysOf } from "./key.ts";
import { readAvatarChoice } from "./picture-file.ts";
import { type AvatarChoice, type Config, type ConfigFile, type CoreUser, configFile } from "./schema.ts";
import { readSecrets, type Secrets } from "./secret-file.ts";
import { type Section, sectionAt } from "./tree.ts";
import { readYaml } from "./yaml-file.ts";

const keys = keysOf(configFile);

/** A configuration, with all by which a later one can be told from it. Holds secrets. */
export interface Settings {
  readonly file: ConfigFile;
  readonly config: Config;
  /** What is in the files that it names, by key. */
  readonly contents: ReadonlyMap<string, string>;
}

/** Reads the file, the environment over it, and the secrets that are in files. Throws {@link ConfigError}. */
export async function loadConfig(path: string, env: Environment): Promise<Config> {
  return (await loadSettings(path, env)).config;
}

/** The same, to be compared with another time. Throws {@link ConfigError}. */
export async function loadSettings(path: string, env: Environment): Promise<Settings> {
  const file = await readConfigFile(path, env);
  const secrets = await readSecrets(path, file);
  const avatars = await readAvatarChoice(path, file);
  const contents = new Map(secrets.contents);
  if (avatars.kind === "file") contents.set("avatars.picture", avatars.source);
  return { file, config: toConfig(path, file, secrets, avatars), contents };
}

/** The same, without reading the secrets. Throws {@link ConfigError}. */
export async function readConfigFile(path: string, env: Environment): Promise<ConfigFile> {
  const inFile = await readYaml(path);
  const { overrides, problems } = overridesIn(env, keys, inFile);
  const written = withOverrides(inFile, overrides);
  const parsed = configFile.safeParse(written);
  const issues = parsed.success ? [] : parsed.error.issues;
  const all = [
    ...issues.flatMap((issue) => diagnose(issue, written, overrides, keys)),
    ...ambiguities(written, keys),
    ...wrongKeyForLetta(written, keys),
    ...(parsed.success ? [...unattachable(parsed.data), ...openThroughProxy(parsed.data)] : []),
    ...problems,
  ];
  if (!parsed.success || all.length > 0) throw new ConfigError(path, all);
  return parsed.data;
}

/** Where all state is kept; absolute. */
export function dataFolderOf(path: string, file: ConfigFile): string {
  return resolve(dirname(path), file.data_folder);
}

/** The values that must never turn up in a log. */
export function secretsOf({ homeserver, letta, coreUsers, formerClients }: Config): readonly string[] {
  const { registration, appservice, adminToken } = homeserver;
  const ours = registration?.kind === "token" ? registration.token : registration?.secret;
  const { internalKey, webhookSecret } = formerClients;
  const all = [
    ...[ours, adminToken, appservice?.asToken, appservice?.hsToken],
    ...[letta.token, letta.apiKey, coreUsers.admin?.password, coreUsers.letta?.password],
    ...[internalKey, webhookSecret],
  ];
  return all.filter((secret) => secret !== undefined);
}

/** Adds the sections that are missing, so that what is missing in them is what gets reported, and the overrides. */
function withOverrides(written: Section, overrides: readonly Override[]): Section {
  const result = structuredClone(written);
  for (const { path, kind } of keys) if (kind === "section") sectionAt(result, path);
  for (const { path } of overrides)
    for (const rival of rivalsOf(path)) delete sectionAt(result, rival.slice(0, -1))?.[rival.at(-1) ?? ""];
  for (const { path, value } of overrides) {
    const section = sectionAt(result, path.slice(0, -1));
    if (section !== undefined) section[path.at(-1) ?? ""] = value;
  }
  return result;
}

function toConfig(path: string, file: ConfigFile, secrets: Secrets, avatars: AvatarChoice): Config {
  const { homeserver, letta, core_users: coreUsers } = file;
  return {
    homeserver: {
      url: homeserver.url,
      serverName: homeserver.server_name,
      ...(secrets.registration !== undefined && { registration: secrets.registration }),
      ...(secrets.appservice !== undefined && {
        appservice: { ...secrets.appservice, listen: homeserver.appservice.listen },
      }),
      ...(secrets.adminToken !== undefined && { adminToken: secrets.adminToken }),
    },
    letta: {
      url: letta.url,
      toolAllowList: letta.tool_allow_list,
      toolAskList: letta.tool_ask_list,
      matrixTools: letta.matrix_tools,
      attachTools: letta.attach_tools,
      idleTimeoutMs: letta.idle_timeout,
      ...(secrets.lettaToken !== undefined && { token: secrets.lettaToken }),
      ...(secrets.lettaApiKey !== undefined && { apiKey: secrets.lettaApiKey }),
    },
    dataFolder: dataFolderOf(path, file),
    invite: file.invite,
    coreUsers: {
      ...coreUser("admin", coreUsers.admin, secrets.adminPassword),
      ...coreUser("letta", coreUsers.letta, secrets.lettaPassword),
    },
    space: { name: file.space.name, aliasLocalpart: file.space.alias },
    discovery: {
      intervalMs: file.discovery.interval,
      graceMs: file.discovery.grace,
      disabled: file.discovery.disabled,
    },
    audit: { intervalMs: file.audit.interval },
    rooms: { nameTemplate: file.rooms.name },
    avatars,
    invitations: file.invitations,
    commands: { people: file.commands.people.length > 0 ? file.commands.people : file.invite },
    history: { importLimit: file.history.import },
    agents: { mostHops: file.agents.most_hops },
    formerClients: {
      legacyOpen: file.api.legacy_open,
      ...(secrets.internalKey !== undefined && { internalKey: secrets.internalKey }),
      ...(secrets.webhookSecret !== undefined && { webhookSecret: secrets.webhookSecret }),
    },
    drafts: { ratePerSecond: file.drafts.rate, burst: file.drafts.burst },
    api: apiConfig(file.api),
    log: { level: file.log.level },
  };
}

function coreUser(
  role: "admin" | "letta",
  localpart: string,
  password: string | undefined,
): Partial<Record<typeof role, CoreUser>> {
  return localpart === "none" ? {} : { [role]: { localpart, ...(password !== undefined && { password }) } };
}
