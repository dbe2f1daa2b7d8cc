import { z } from "zod";
import { type ApiConfig, api } from "./api-keys.ts";
import type { AppserviceRegistration } from "./appservice-file.ts";
import { coreUsers, homeserver } from "./homeserver-keys.ts";
import { letta } from "./letta-keys.ts";
import { live, restart } from "./reload.ts";
import { duration, text, userId } from "./values.ts";

/**
 * The configuration file as it is written: YAML with these keys. Error messages, the sample and the reference page are
 * made of what stands beside each: `description`, `example`, and `reload`, which says whether SIGHUP changes it.
 */

const space = z
  .strictObject({
    name: text.default("Letta Agents").meta({
      description: "The space's name.",
      example: "name: Letta Agents",
      reload: live("when the space is next looked at, within audit.interval"),
    }),
    alias: text
      .regex(/^[^\s:#]+$/, "must be the part between # and : of an alias")
      .default("letta-agents")
      .meta({
        description: "The part between # and : of the space's alias.",
        example: "alias: letta-agents",
        reload: restart("the space is found by it"),
      }),
  })
  .prefault({})
  .meta({ description: "The space that holds the agents' rooms." });

const discovery = z
  .strictObject({
    interval: duration.prefault("30s").meta({
      description: "How often Letta's agents are listed.",
      example: "interval: 30s",
      reload: live("from the next listing on"),
    }),
    grace: duration.prefault("2h").meta({
      description:
        "How long an agent may be missing in Letta before it is retired: its room keeps its history, is marked, and leaves the space. An agent that is back earlier has never been away; one that is back later gets a new room.",
      example: "grace: 2h",
      reload: live("from the next listing on"),
    }),
    disabled: z
      .array(text, "must be a list of agent ids")
      .default([])
      .meta({
        description:
          "Ids of agents that are left out. One without a room gets none. One with a room keeps it, but hears nothing until it is taken off this list; then it answers what was said meanwhile.",
        example: "disabled: [agent-0123]",
        reload: live("with the next listing"),
      }),
  })
  .prefault({})
  .meta({ description: "How Letta's agents are found." });

const audit = z
  .strictObject({
    interval: duration.prefault("1h").meta({
      description:
        "How long one pass over all agents' users and rooms takes, which finds and mends what was changed on the homeserver.",
      example: "interval: 1h",
      reload: live("from the next look on"),
    }),
  })
  .prefault({})
  .meta({ description: "The slow look at everything that is there." });

const rooms = z
  .strictObject({
    name: text
      .regex(/\{agent\}/, "must contain {agent}")
      .default("{agent} - Letta Agent Chat")
      .meta({
        description: "Name of an agent's own room; {agent} stands for the agent's name.",
        example: 'name: "{agent} (Letta)"',
        reload: live("when a room is next looked at, within audit.interval"),
      }),
  })
  .prefault({})
  .meta({ description: "The agents' own rooms." });

const avatars = z
  .strictObject({
    picture: text
      .refine((value) => !value.startsWith("mxc:") || /^mxc:\/\/[^/\s]+\/[\w-]+$/.test(value), "is no mxc:// address")
      .default("generated")
      .meta({
        description:
          "The agents' picture: generated (each its own), none, the mxc:// address of one for all, or a file with it.",
        example: "picture: logo.png",
        reload: live("when an agent is next looked at, within audit.interval"),
      }),
  })
  .prefault({})
  .meta({ description: "The agents' pictures." });

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
        reload: live("for rooms made from then on"),
      }),
  })
  .prefault({})
  .meta({ description: "What new rooms begin with." });

const invitations = z
  .strictObject({
    people: z
      .array(userId, "must be a list of user ids")
      .default([])
      .meta({
        description:
          "People whose invitations into other rooms agents accept, besides those who are invited themselves.",
        example: 'people: ["@friend:example.org"]',
        reload: live("for invitations from then on"),
      }),
    servers: z
      .array(text, "must be a list of server names")
      .default([])
      .meta({
        description: "Homeservers all of whose users may invite agents into other rooms.",
        example: "servers: [example.org]",
        reload: live("for invitations from then on"),
      }),
  })
  .prefault({})
  .meta({
    description:
      "Whose invitations into other rooms agents accept, besides those of other agents, of the people above, and of core_users.admin. They decline everybody else's.",
  });

const commands = z
  .strictObject({
    people: z
      .array(userId, "must be a list of user ids")
      .default([])
      .meta({
        description: "User ids of these people; when empty, those who are invited.",
        example: 'people: ["@you:example.org"]',
        reload: live("for commands from then on"),
      }),
  })
  .prefault({})
  .meta({
    description:
      "Who may say !stop (ends the answer that is being written) and !retry (tries again what failed) to agents, and !approve and !deny to their requests.",
  });

const agents = z
  .strictObject({
    most_hops: z
      .int("must be a whole number")
      .min(1, "must be at least 1")
      .max(100, "must be at most 100")
      .default(10)
      .meta({
        description:
          "Through how many agents a thing may go: what an agent says to another one while it answers counts one more than what it was asked, or than what another one has answered it meanwhile. The one that would go beyond is told to answer instead.",
        example: "most_hops: 10",
        reload: live("for what is said from then on"),
      }),
  })
  .prefault({})
  .meta({ description: "How agents talk to each other." });

const drafts = z
  .strictObject({
    rate: z
      .number("must be a number")
      .positive("must be more than 0")
      .default(0.2)
      .meta({
        description: "Edits per second that the homeserver takes for long.",
        example: "rate: 0.2",
        reload: live("at once"),
      }),
    burst: z
      .int("must be a whole number")
      .min(1, "must be at least 1")
      .default(10)
      .meta({
        description: "Edits that may follow each other at once.",
        example: "burst: 10",
        reload: live("at once"),
      }),
  })
  .prefault({})
  .meta({
    description:
      "How often an answer in progress may be edited, for each agent. Raise both where the homeserver allows more; the defaults are what Synapse's default rate limits bear.",
  });

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof logLevels)[number];

const log = z
  .strictObject({
    level: z
      .enum(logLevels, `must be one of ${logLevels.join(", ")}`)
      .default("info")
      .meta({
        description: `The least severe lines to write: ${logLevels.join(", ")}.`,
        example: "level: info",
        reload: live("at once"),
      }),
  })
  .prefault({})
  .meta({ description: "Log lines, JSON on standard output." });

export const configFile = z.strictObject({
  homeserver: homeserver.meta({ description: "The Matrix homeserver." }),
  letta: letta.meta({ description: "The Letta server." }),
  data_folder: text.default("data").meta({
    description:
      "Where all state is kept, the agents' logins among it. Back it up by letta-matrix backup; do not copy it while the program runs.",
    example: "data_folder: /var/lib/letta-matrix",
    reload: restart("the store in it is open"),
  }),
  invite: z
    .array(userId, "must be a list of user ids")
    .default([])
    .meta({
      description:
        "People who are invited to the space and to each agent's room when it is made. Whoever is added here later is invited to what is made from then on; invite them to the rest from a client.",
      example: 'invite: ["@you:example.org"]',
      shown: true,
      reload: live("for what is made from then on"),
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
  agents,
  drafts,
  api,
  log,
});

/** The file, checked and with its defaults, but with the secrets in files not read yet. */
export type ConfigFile = z.output<typeof configFile>;

/** How the agents' users are created. The values are secrets. */
export type Registration =
  | { readonly kind: "shared-secret"; readonly secret: string }
  | { readonly kind: "token"; readonly token: string };

/** What makes us an application service of the homeserver's. */
export interface Appservice extends AppserviceRegistration {
  /** `host:port`. */
  readonly listen: string;
}

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
    /** Left out only where there is an application service, which needs none for its own users. */
    readonly registration?: Registration;
    readonly appservice?: Appservice;
    /** Of a server administrator. A secret. */
    readonly adminToken?: string;
  };
  readonly letta: {
    readonly url: string;
    /** Of an App Server. A secret. */
    readonly token?: string;
    /** Of the REST API. A secret. */
    readonly apiKey?: string;
    readonly toolAllowList: readonly string[];
    readonly toolAskList: readonly string[];
    /** What an App Server's agents are given of ours. */
    readonly matrixTools: readonly string[];
    /** Agents of the REST API are given them, too. */
    readonly attachTools?: boolean;
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
  readonly agents: { readonly mostHops: number };
  /** Who is let in on the routes of the older system, besides those who have a token. */
  readonly formerClients: {
    /** A secret. */
    readonly internalKey?: string;
    /** Everybody on this machine. */
    readonly legacyOpen: boolean;
    /** Of Letta's webhooks. A secret. */
    readonly webhookSecret?: string;
  };
  readonly drafts: { readonly ratePerSecond: number; readonly burst: number };
  readonly api: ApiConfig;
  readonly log: { readonly level: LogLevel };
}
