import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import type { ConfigFile, Registration } from "./schema.ts";

export interface Secrets {
  readonly registration: Registration;
  readonly lettaToken: string | undefined;
}

/** The secrets, from the file itself or from the files it names (relative to it). Throws {@link ConfigError}. */
export async function readSecrets(path: string, { homeserver, letta }: ConfigFile): Promise<Secrets> {
  const problems: ConfigProblem[] = [];
  const read = async (
    key: string,
    given: string | undefined,
    file: string | undefined,
  ): Promise<string | undefined> => {
    if (file === undefined) return given;
    const secret = await readSecret(resolve(dirname(path), file));
    if (typeof secret === "string") return secret;
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
  const lettaToken = await read("letta.token_file", letta.token, letta.token_file);
  if (problems.length > 0) throw new ConfigError(path, problems);
  if (secret !== undefined) return { registration: { kind: "shared-secret", secret }, lettaToken };
  if (token !== undefined) return { registration: { kind: "token", token }, lettaToken };
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
