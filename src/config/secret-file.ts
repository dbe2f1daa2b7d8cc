import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type AppserviceRegistration, readRegistration } from "./appservice-file.ts";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import type { ConfigFile, Registration } from "./schema.ts";

export interface Secrets {
  /** Left out where an application service needs none. */
  readonly registration: Registration | undefined;
  readonly appservice: AppserviceRegistration | undefined;
  readonly adminToken: string | undefined;
  readonly lettaToken: string | undefined;
  readonly lettaApiKey: string | undefined;
  readonly adminPassword: string | undefined;
  readonly lettaPassword: string | undefined;
  readonly internalKey: string | undefined;
  readonly webhookSecret: string | undefined;
  /** Those that were read from files, by the key that names the file. */
  readonly contents: ReadonlyMap<string, string>;
}

/** The secrets, from the file itself or from the files it names (relative to it). Throws {@link ConfigError}. */
export async function readSecrets(path: string, file: ConfigFile): Promise<Secrets> {
  const { homeserver, letta, core_users: coreUsers, api } = file;
  const problems: ConfigProblem[] = [];
  const contents = new Map<string, string>();
  const read = async (
    key: string,
    given: string | undefined,
    secretFile: string | undefined,
  ): Promise<string | undefined> => {
    if (secretFile === undefined) return given;
    const secret = await readSecret(resolve(dirname(path), secretFile));
    if (typeof secret === "string") {
      contents.set(key, secret);
      return secret;
    }
    problems.push({ key, message: secret.problem });
    return undefined;
  };
  const { registration } = homeserver;
  const section = "homeserver.registration";
  const secret = await read(
    `${section}.shared_secret_file`,
    registration.shared_secret,
    registration.shared_secret_file,
  );
  const token = await read(
    `${section}.registration_token_file`,
    registration.registration_token,
    registration.registration_token_file,
  );
  const others = {
    contents,
    adminToken: await read("homeserver.admin_token_file", homeserver.admin_token, homeserver.admin_token_file),
    lettaToken: await read("letta.token_file", letta.token, letta.token_file),
    lettaApiKey: await read("letta.api_key_file", letta.api_key, letta.api_key_file),
    adminPassword: await read(
      "core_users.admin_password_file",
      coreUsers.admin_password,
      coreUsers.admin_password_file,
    ),
    lettaPassword: await read(
      "core_users.letta_password_file",
      coreUsers.letta_password,
      coreUsers.letta_password_file,
    ),
    internalKey: await read("api.internal_key_file", api.internal_key, api.internal_key_file),
    webhookSecret: await read("api.webhook_secret_file", api.webhook_secret, api.webhook_secret_file),
  };
  if (problems.length > 0) throw new ConfigError(path, problems);
  const { registration_file: registrationFile } = homeserver.appservice;
  const appservice =
    registrationFile === undefined ? undefined : await readRegistration(path, registrationFile, homeserver.server_name);
  if (appservice !== undefined) contents.set("homeserver.appservice.registration_file", appservice.text);
  const all = { ...others, appservice: appservice?.registration };
  if (secret !== undefined) return { registration: { kind: "shared-secret", secret }, ...all };
  if (token !== undefined) return { registration: { kind: "token", token }, ...all };
  if (appservice !== undefined) return { registration: undefined, ...all };
  throw new ConfigError(path, [{ key: section, message: "has no secret" }]);
}

async function readSecret(file: string): Promise<string | { readonly problem: string }> {
  try {
    const secret = (await readFile(file, "utf8")).trim();
    return secret === "" ? { problem: `names ${file}, which is empty` } : secret;
  } catch (error) {
    const code = String(Reflect.get(Object(error), "code"));
    return { problem: `names ${file}, which cannot be read (${code})` };
  }
}
