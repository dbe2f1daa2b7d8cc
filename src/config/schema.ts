import { z } from "zod";

/**
 * The configuration file as it is written: YAML with these keys. Each key's `description` and `example` are what error
 * messages and the reference are made of.
 */

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration such as `500ms`, `30s`, `5m`, `1h`; parsed to milliseconds. */
const duration = z
  .string("must be a number with a unit: ms, s, m or h")
  .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, "must be a number with a unit: ms, s, m or h")
  .transform((text) => {
    const unit = /[a-z]+$/.exec(text)?.[0] as keyof typeof durationUnits;
    return Math.round(Number.parseFloat(text) * durationUnits[unit]);
  })
  .refine((ms) => ms > 0, "must be longer than nothing");

const text = z.string("must be text").trim().min(1, "must not be empty");

/** Addresses are told to whoever waits for what is there, people in rooms included. */
const url = (protocol: RegExp, allowed: string) =>
  z
    .url({ protocol, error: `must be ${allowed}` })
    .refine(
      (value) => isBare(value),
      "must not hold a user name, a password, a query or a fragment: addresses are no secrets",
    )
    .transform((value) => value.replace(/\/+$/, ""));

function isBare(address: string): boolean {
  if (!URL.canParse(address)) return true;
  const { username, password, search, hash } = new URL(address);
  return [username, password, search, hash].every((part) => part === "");
}

const userId = z
  .string("must be text")
  .regex(/^@[^:\s]+:\S+$/, "must be a full Matrix user id")
  .max(255, "must be at most 255 characters");

const registration = z.strictObject({
  shared_secret: text.optional().meta({
    description: "Synapse's registration_shared_secret.",
    example: "shared_secret: the-same-as-in-homeserver.yaml",
  }),
  shared_secret_file: text.optional().meta({
    description: "A file that holds the shared secret.",
    example: "shared_secret_file: /run/secrets/registration_shared_secret",
  }),
  registration_token: text.optional().meta({
    description: "A registration token, for homeservers without a shared secret.",
    example: "registration_token: a-token-of-unlimited-use",
  }),
  registration_token_file: text.optional().meta({
    description: "A file that holds the registration token.",
    example: "registration_token_file: /run/secrets/registration_token",
  }),
});

const homeserver = z.strictObject({
  url: url(/^https?$/, "an http:// or https:// address").meta({
    description: "Where clients reach the homeserver, without /_matrix.",
    example: "url: http://localhost:8008",
  }),
  server_name: text.regex(/^[^\s/@]+$/, "must be a server name, without scheme or path").meta({
    description: "The part after the colon in its user ids.",
    example: "server_name: example.org",
  }),
  registration: registration.meta({
    description: "How the agents' users are created: exactly one of the four.",
    example: "registration: { shared_secret_file: /run/secrets/registration_shared_secret }",
  }),
  admin_token: text.optional().meta({
    description: "Access token of a Synapse server administrator; lifts rate limits and mends passwords and rooms.",
    example: "admin_token: syt_the_administrators_token",
  }),
  admin_token_file: text.optional().meta({
    description: "A file that holds the administrator's access token.",
    example: "admin_token_file: /run/secrets/synapse_admin_token",
  }),
});

const coreUser = text
  .regex(/^[a-z0-9._=/+-]+$/, "must be the part between @ and : of a user id, or none")
  .max(200, "must be at most 200 characters");

const coreUsers = z
  .strictObject({
    admin: coreUser.default("admin").meta({
      description: "The user that has all power in the space and in each agent's room; none for no such user.",
      example: "admin: admin",
    }),
    admin_password: text.optional().meta({
      description: "Its password, where it exists already and shall come into the rooms by itself; never changed.",
      example: "admin_password: the-password-it-has",
    }),
    admin_password_file: text.optional().meta({
      description: "A file that holds that password.",
      example: "admin_password_file: /run/secrets/matrix_admin_password",
    }),
    letta: coreUser.default("letta").meta({
      description: "The user that reads along in the space and in each agent's room; none for no such user.",
      example: "letta: letta",
    }),
    letta_password: text.optional().meta({
      description: "Its password, where it exists already and shall come into the rooms by itself; never changed.",
      example: "letta_password: the-password-it-has",
    }),
    letta_password_file: text.optional().meta({
      description: "A file that holds that password.",
      example: "letta_password_file: /run/secrets/matrix_letta_password",
    }),
  })
  .prefault({});

const letta = z.strictObject({
  url: url(/^wss?$/, "the ws:// or wss:// address of a Letta App Server").meta({
    description: "Where the Letta App Server listens (`letta server --listen`).",
    example: "url: ws://127.0.0.1:4500",
  }),
  token: text.optional().meta({
    description: "The App Server's token; needed when it does not run on this machine.",
    example: "token: the-app-servers-token",
  }),
  token_file: text.optional().meta({
    description: "A file that holds the App Server's token.",
    example: "token_file: /run/secrets/letta_token",
  }),
  tool_allow_list: z.array(text, "must be a list of tool names").default([]).meta({
    description:
      "Letta tools that agents may use in rooms, by name, besides their own memory. What is on neither list is denied.",
    example: "tool_allow_list: [web_search]",
  }),
  tool_ask_list: z.array(text, "must be a list of tool names").default([]).meta({
    description: "Letta tools that agents may use when a person in the room has approved the call, each time, by name.",
    example: "tool_ask_list: [run_code]",
  }),
  idle_timeout: duration.default(300_000).meta({
    description: "How long an answer may stay silent before it is looked up.",
    example: "idle_timeout: 5m",
  }),
});

const space = z
  .strictObject({
    name: text.default("Letta Agents").meta({ description: "The space's name.", example: "name: Letta Agents" }),
    alias: text
      .regex(/^[^\s:#]+$/, "must be the part between # and : of an alias")
      .default("letta-agents")
      .meta({ description: "Localpart of the space's alias.", example: "alias: letta-agents" }),
  })
  .prefault({});

const discovery = z
  .strictObject({
    interval: duration.default(30_000).meta({
      description: "How often Letta's agents are listed.",
      example: "interval: 30s",
    }),
    grace: duration.default(7_200_000).meta({
      description:
        "How long an agent may be missing in Letta before it is retired: its room is marked and leaves the space, its alias is released.",
      example: "grace: 2h",
    }),
    disabled: z.array(text, "must be a list of agent ids").default([]).meta({
      description:
        "Ids of agents that are left out. One without a room gets none; one with a room keeps it, but hears nothing until it is taken off this list.",
      example: "disabled: [agent-0123]",
    }),
  })
  .prefault({});

const audit = z
  .strictObject({
    interval: duration.default(3_600_000).meta({
      description:
        "How long one pass over all agents' users and rooms takes, which finds and mends what was changed on the homeserver.",
      example: "interval: 1h",
    }),
  })
  .prefault({});

const rooms = z
  .strictObject({
    name: text
      .regex(/\{agent\}/, "must contain {agent}")
      .default("{agent} - Letta Agent Chat")
      .meta({
        description: "Name of an agent's own room; {agent} stands for the agent's name.",
        example: 'name: "{agent} (Letta)"',
      }),
  })
  .prefault({});

const avatars = z
  .strictObject({
    picture: text
      .refine((value) => !value.startsWith("mxc:") || /^mxc:\/\/[^/\s]+\/[\w-]+$/.test(value), "is no mxc:// address")
      .default("generated")
      .meta({
        description:
          "The agents' picture: generated (each its own), none, the mxc:// address of one for all, or a file with it.",
        example: "picture: logo.png",
      }),
  })
  .prefault({});

const history = z
  .strictObject({
    import: z
      .int("must be a whole number")
      .min(0, "must not be negative")
      .max(200, "must be at most 200")
      .default(15)
      .meta({
        description: "How many messages of an agent's own conversation in Letta are told in its new room; 0 for none.",
        example: "import: 15",
      }),
  })
  .prefault({});

const invitations = z
  .strictObject({
    people: z.array(userId, "must be a list of user ids").default([]).meta({
      description: "People whose invitations into other rooms agents accept, besides those who are invited themselves.",
      example: 'people: ["@friend:example.org"]',
    }),
    servers: z.array(text, "must be a list of server names").default([]).meta({
      description: "Homeservers all of whose users may invite agents into other rooms.",
      example: "servers: [example.org]",
    }),
  })
  .prefault({});

const commands = z
  .strictObject({
    people: z.array(userId, "must be a list of user ids").default([]).meta({
      description: "People who may say !stop, !retry, !approve and !deny to agents; when empty, those who are invited.",
      example: 'people: ["@you:example.org"]',
    }),
  })
  .prefault({});

const drafts = z
  .strictObject({
    rate: z.number("must be a number").positive("must be more than 0").default(0.2).meta({
      description: "Draft edits per second and agent that the homeserver takes for long. Synapse's default is 0.2.",
      example: "rate: 0.2",
    }),
    burst: z.int("must be a whole number").min(1, "must be at least 1").default(10).meta({
      description: "Draft edits that may follow each other at once. Synapse's default is 10.",
      example: "burst: 10",
    }),
  })
  .prefault({});

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof logLevels)[number];

const log = z
  .strictObject({
    level: z
      .enum(logLevels, `must be one of ${logLevels.join(", ")}`)
      .default("info")
      .meta({ description: "The least severe lines to write.", example: "level: info" }),
  })
  .prefault({});

export const configFile = z.strictObject({
  homeserver: homeserver.meta({ description: "The Matrix homeserver.", example: "homeserver: { url: …, … }" }),
  letta: letta.meta({ description: "The Letta server.", example: "letta: { url: ws://127.0.0.1:4500 }" }),
  data_folder: text.default("data").meta({
    description: "Where all state is kept; relative to this file.",
    example: "data_folder: /var/lib/letta-matrix",
  }),
  invite: z.array(userId, "must be a list of user ids").default([]).meta({
    description:
      "People who are invited to the space and to each agent's room when it is made; not to what is there already.",
    example: 'invite: ["@you:example.org"]',
  }),
  core_users: coreUsers,
  space,
  discovery,
  audit,
  rooms,
  avatars,
  history,
  invitations,
  commands,
  drafts,
  log,
});

/** The file, checked and with its defaults, but with the secrets in files not read yet. */
export type ConfigFile = z.output<typeof configFile>;

/** How the agents' users are created. The values are secrets. */
export type Registration =
  | { readonly kind: "shared-secret"; readonly secret: string }
  | { readonly kind: "token"; readonly token: string };

/** A user that is everywhere our agents are, by itself. */
export interface CoreUser {
  readonly localpart: string;
  /** That it has already. A secret, and never changed. */
  readonly password?: string;
}

/** What agents show as their picture. A `source` changes with the picture, and with nothing else. */
export type AvatarChoice =
  | { readonly kind: "generated" }
  | { readonly kind: "none" }
  | { readonly kind: "address"; readonly url: string }
  | {
      readonly kind: "file";
      readonly source: string;
      readonly name: string;
      readonly contentType: string;
      readonly bytes: Uint8Array;
    };

/** What the program runs with: complete, checked, secrets read. Never log it as a whole. */
export interface Config {
  readonly homeserver: {
    readonly url: string;
    /** The part after the colon in its user ids. */
    readonly serverName: string;
    readonly registration: Registration;
    /** Of a server administrator. A secret. */
    readonly adminToken?: string;
  };
  readonly letta: {
    readonly url: string;
    readonly token?: string;
    readonly toolAllowList: readonly string[];
    readonly toolAskList: readonly string[];
    readonly idleTimeoutMs: number;
  };
  /** Absolute. */
  readonly dataFolder: string;
  /** User ids of the people to invite. */
  readonly invite: readonly string[];
  readonly coreUsers: {
    /** Has all power. */
    readonly admin?: CoreUser;
    /** Reads along. */
    readonly letta?: CoreUser;
  };
  readonly space: { readonly name: string; readonly aliasLocalpart: string };
  readonly discovery: { readonly intervalMs: number; readonly graceMs: number; readonly disabled: readonly string[] };
  readonly audit: { readonly intervalMs: number };
  /** `{agent}` in it stands for the agent's name. */
  readonly rooms: { readonly nameTemplate: string };
  readonly avatars: AvatarChoice;
  /** Who may invite agents, besides the people they invite themselves. */
  readonly invitations: { readonly people: readonly string[]; readonly servers: readonly string[] };
  /** User ids of the people who may command agents. */
  readonly commands: { readonly people: readonly string[] };
  readonly history: { readonly importLimit: number };
  readonly drafts: { readonly ratePerSecond: number; readonly burst: number };
  readonly log: { readonly level: LogLevel };
}
