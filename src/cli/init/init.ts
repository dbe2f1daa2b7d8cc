import { randomBytes } from "node:crypto";
import { unlink } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { ConfigError } from "../../config/config-error.ts";
import { readSecrets } from "../../config/secret-file.ts";
import { type Console, explain } from "../console.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { assertFree, writeNew } from "../new-file.ts";
import { checked, type FirstAnswers, firstConfigText } from "./first-config.ts";
import { type Ask, interview } from "./interview.ts";

export interface InitOptions {
  readonly config: string;
  readonly homeserver?: string;
  readonly serverName?: string;
  readonly letta?: string;
  readonly invite?: readonly string[];
  readonly sharedSecretFile?: string;
  readonly registrationTokenFile?: string;
  readonly adminTokenFile?: string;
  readonly lettaTokenFile?: string;
  readonly data?: string;
  readonly yes?: boolean;
}

export interface InitEnvironment {
  readonly console: Console;
  /** Lets a person be asked as long as `use` runs; left out where there is no terminal. */
  readonly withQuestions?: (<T>(use: (ask: Ask) => Promise<T>) => Promise<T>) | undefined;
}

const generatedSecret = "registration_shared_secret";

/** Writes a first configuration, never over one that is there. */
export async function init(options: InitOptions, { console, withQuestions }: InitEnvironment): Promise<ExitCode> {
  const path = options.config;
  const made: string[] = [];
  try {
    await assertFree(path, "Edit it, or name another file with --config.");
    const given = givenIn(options);
    if (options.yes !== true && withQuestions === undefined) throw new CannotAsk();
    const asked =
      options.yes === true || withQuestions === undefined
        ? given
        : await withQuestions((ask) =>
            interview(
              given,
              ask,
              (text) => console.out(text),
              (file) => asWritten(path, file),
            ),
          );
    const answers = complete(asked);
    const file = checked(path, answers);
    const isGenerated = Object.keys(asked.registration ?? {}).length === 0;
    const secretFile = join(dirname(path), generatedSecret);
    if (isGenerated) {
      await writeNew(
        secretFile,
        `${randomBytes(32).toString("base64url")}\n`,
        `Name it with --shared-secret-file ${secretFile} if it holds the homeserver's secret, or move it away.`,
      );
      made.push(secretFile);
    }
    await readSecrets(path, file);
    await writeNew(path, firstConfigText(answers), "Edit it, or name another file with --config.");
    console.out(nextSteps(path, answers, isGenerated ? secretFile : undefined));
    return exitCode.ok;
  } catch (error) {
    for (const file of made) await unlink(file).catch(() => undefined);
    console.err(`${explain(error)}\n`);
    if (error instanceof CannotAsk || error instanceof NothingGiven) return exitCode.usage;
    return error instanceof ConfigError ? exitCode.config : exitCode.failed;
  }
}

function givenIn(options: InitOptions): Partial<FirstAnswers> {
  const here = (file: string): string => asWritten(options.config, file);
  const { homeserver, serverName, letta, invite, data } = options;
  const { sharedSecretFile, registrationTokenFile, adminTokenFile, lettaTokenFile } = options;
  return {
    ...(homeserver !== undefined && { homeserver }),
    ...(serverName !== undefined && { serverName }),
    ...(letta !== undefined && { letta }),
    ...(invite !== undefined && { invite }),
    ...(data !== undefined && { dataFolder: here(data) }),
    ...(sharedSecretFile !== undefined && { registration: { shared_secret_file: here(sharedSecretFile) } }),
    ...(registrationTokenFile !== undefined && {
      registration: { registration_token_file: here(registrationTokenFile) },
    }),
    ...(adminTokenFile !== undefined && { adminTokenFile: here(adminTokenFile) }),
    ...(lettaTokenFile !== undefined && { lettaTokenFile: here(lettaTokenFile) }),
  };
}

/** A path typed in this folder, as the configuration in its own folder has to have it. */
function asWritten(config: string, file: string): string {
  const path = relative(dirname(resolve(config)), resolve(file));
  return path === "" || path.startsWith("..") ? resolve(file) : path;
}

function complete(given: Partial<FirstAnswers>): FirstAnswers {
  const { serverName } = given;
  // Users of another name than the homeserver's can never log in, and nothing can be guessed of it that is always right.
  if (serverName === undefined) throw new NothingGiven("--server-name");
  const registration = given.registration ?? {};
  return {
    homeserver: "http://localhost:8008",
    letta: "ws://127.0.0.1:4500",
    invite: [],
    dataFolder: "data",
    ...given,
    serverName,
    registration: Object.keys(registration).length === 0 ? { shared_secret_file: generatedSecret } : registration,
  };
}

function nextSteps(path: string, { invite }: FirstAnswers, secretFile: string | undefined): string {
  const config = path === "letta-matrix.yaml" ? "" : ` --config ${path}`;
  const steps = [
    ...(secretFile === undefined
      ? []
      : [
          `${secretFile} holds a new secret. Write it into Synapse's homeserver.yaml as registration_shared_secret, and restart Synapse. (If Synapse has one already, put that into the file instead.)`,
        ]),
    ...(invite.length === 0 ? [`Nobody is invited yet: add your own Matrix user to "invite" in ${path}.`] : []),
    `See what is missing: letta-matrix doctor${config}`,
    `Start it:            letta-matrix run${config}`,
    `Watch it come up:    letta-matrix status --watch${config}`,
  ];
  return `${path} is written.\n\nNext:\n${steps.map((step, index) => `  ${index + 1}. ${step}\n`).join("")}`;
}

class CannotAsk extends Error {
  override readonly name = "CannotAsk";
  readonly remedy = "Give --yes, and what is to be written as options; `letta-matrix init --help` names them.";

  constructor() {
    super("there is no terminal to ask questions in");
  }
}

class NothingGiven extends Error {
  override readonly name = "NothingGiven";
  readonly remedy = "It is the part after the colon in the homeserver's user ids: for @you:example.org, example.org.";

  constructor(option: string) {
    super(`${option} is missing, and is not guessed`);
  }
}
