import { ConfigError } from "../../config/config-error.ts";
import { diagnose } from "../../config/diagnose.ts";
import { keysOf } from "../../config/key.ts";
import { isRestAddress } from "../../config/letta-address.ts";
import { type ConfigFile, configFile } from "../../config/schema.ts";

/** What a first configuration is made of. Paths are as they are written into it. */
export interface FirstAnswers {
  readonly homeserver: string;
  readonly serverName: string;
  readonly letta: string;
  /** Who is invited to everything. */
  readonly invite: readonly string[];
  readonly registration: Readonly<Partial<Record<"shared_secret_file" | "registration_token_file", string>>>;
  readonly adminTokenFile?: string | undefined;
  /** Holds the App Server's token, or the REST API's key. */
  readonly lettaTokenFile?: string | undefined;
  readonly dataFolder: string;
}

const keys = keysOf(configFile);

function treeOf(answers: FirstAnswers) {
  const { adminTokenFile, lettaTokenFile } = answers;
  return {
    homeserver: {
      url: answers.homeserver,
      server_name: answers.serverName,
      registration: { ...answers.registration },
      ...(adminTokenFile !== undefined && { admin_token_file: adminTokenFile }),
    },
    letta: {
      url: answers.letta,
      ...(lettaTokenFile !== undefined && { [lettaSecretKey(answers)]: lettaTokenFile }),
    },
    data_folder: answers.dataFolder,
    invite: [...answers.invite],
  };
}

/** Each kind of Letta has a key of its own for what lets us in. */
function lettaSecretKey({ letta }: FirstAnswers): "api_key_file" | "token_file" {
  return isRestAddress(letta) ? "api_key_file" : "token_file";
}

/** The configuration that will be read from the text. Throws {@link ConfigError}. */
export function checked(path: string, answers: FirstAnswers): ConfigFile {
  const tree = treeOf(answers);
  const parsed = configFile.safeParse(tree);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => diagnose(issue, tree, [], keys));
  throw new ConfigError(path, problems, "Nothing was written. Correct it and try again.");
}

/** What is wrong with the answers in this section of the configuration. */
export function problemIn(section: readonly string[], answers: FirstAnswers): string | undefined {
  const issues = configFile.safeParse(treeOf(answers)).error?.issues ?? [];
  return issues.find(({ path }) => section.every((part, index) => path[index] === part))?.message;
}

/** JSON's strings and lists are YAML, too, whatever stands in them. */
const yaml = (value: unknown): string => JSON.stringify(value);

export function firstConfigText(answers: FirstAnswers): string {
  const { homeserver, serverName, letta, invite, registration, adminTokenFile, lettaTokenFile, dataFolder } = answers;
  const lines = [
    "# Made by `letta-matrix init`. config/letta-matrix.yaml in the package explains these keys and all others.",
    "# A key that ends in _file names a file that holds the secret. Paths are relative to this file.",
    "",
    "homeserver:",
    "  # Where clients reach the homeserver, without /_matrix.",
    `  url: ${yaml(homeserver)}`,
    "  # The part after the colon in its user ids.",
    `  server_name: ${yaml(serverName)}`,
    "  # How the agents' users are created.",
    "  registration:",
    ...Object.entries(registration).map(([key, file]) => `    ${key}: ${yaml(file)}`),
    "  # Access token of a Synapse server administrator: agents are then exempted from rate limits.",
    adminTokenFile === undefined
      ? "  # admin_token_file: synapse_admin_token"
      : `  admin_token_file: ${yaml(adminTokenFile)}`,
    "",
    "letta:",
    "  # Where the Letta App Server listens (`letta server --listen ws://127.0.0.1:4500`), or Letta's REST API.",
    `  url: ${yaml(letta)}`,
    "  # The App Server's token, needed when it runs on another machine; by the REST API api_key_file.",
    lettaTokenFile === undefined
      ? `  # ${lettaSecretKey(answers)}: letta_token`
      : `  ${lettaSecretKey(answers)}: ${yaml(lettaTokenFile)}`,
    "",
    "# Where all state is kept, the agents' logins among it. Back it up by letta-matrix backup; do not copy it while the program runs.",
    `data_folder: ${yaml(dataFolder)}`,
    "",
    "# People who are invited to the space and to each agent's room.",
    ...(invite.length === 0 ? ["invite: []"] : ["invite:", ...invite.map((userId) => `  - ${yaml(userId)}`)]),
  ];
  return `${lines.join("\n")}\n`;
}
