import type { Path } from "./tree.ts";

/**
 * The environment variables of the system that this one replaces. Whoever comes from there need not rewrite them; the
 * names of today win over them.
 */
export interface FormerName {
  readonly variable: string;
  readonly path: Path;
  /** The key in place of it where `letta.url` is an address of the REST API. */
  readonly pathForRest?: Path;
  /** What it held, in today's terms. */
  readonly convert?: (text: string) => string;
  /** How the two differ, for people. */
  readonly note?: string;
}

export const formerNames: readonly FormerName[] = [
  { variable: "MATRIX_HOMESERVER_URL", path: ["homeserver", "url"] },
  { variable: "MATRIX_SERVER_NAME", path: ["homeserver", "server_name"] },
  { variable: "MATRIX_REGISTRATION_TOKEN", path: ["homeserver", "registration", "registration_token"] },
  {
    variable: "MATRIX_ADMIN_USERNAME",
    path: ["core_users", "admin"],
    convert: localpartIn,
    note: "a full user id is cut to its localpart",
  },
  { variable: "MATRIX_ADMIN_PASSWORD", path: ["core_users", "admin_password"] },
  {
    variable: "MATRIX_USERNAME",
    path: ["core_users", "letta"],
    convert: localpartIn,
    note: "a full user id is cut to its localpart",
  },
  { variable: "MATRIX_PASSWORD", path: ["core_users", "letta_password"] },
  {
    variable: "MATRIX_AGENT_SYNC_INTERVAL",
    path: ["discovery", "interval"],
    convert: seconds,
    note: "a number of seconds",
  },
  { variable: "DISABLED_AGENT_IDS", path: ["discovery", "disabled"] },
  { variable: "LETTA_API_URL", path: ["letta", "url"] },
  {
    variable: "LETTA_TOKEN",
    path: ["letta", "token"],
    pathForRest: ["letta", "api_key"],
    note: "by the REST API `letta.api_key`",
  },
  {
    variable: "LETTA_API_KEY",
    path: ["letta", "token"],
    pathForRest: ["letta", "api_key"],
    note: "by the REST API `letta.api_key`; LETTA_TOKEN wins over it",
  },
  {
    variable: "LETTA_STREAMING_IDLE_TIMEOUT",
    path: ["letta", "idle_timeout"],
    convert: seconds,
    note: "a number of seconds",
  },
  { variable: "INTERNAL_API_KEY", path: ["api", "internal_key"] },
  { variable: "LETTA_WEBHOOK_SECRET", path: ["api", "webhook_secret"] },
  {
    variable: "LOG_LEVEL",
    path: ["log", "level"],
    convert: level,
    note: "in any case; WARNING is warn, CRITICAL is fatal",
  },
];

/** Former variables that nothing corresponds to, and what is so without them. They are let pass. */
export const dropped: Readonly<Record<string, string>> = {
  LETTA_STREAMING_ENABLED: "answers are always streamed",
  LETTA_STREAMING_LIVE_EDIT: "an answer in progress is always one message that is edited",
  LETTA_STREAMING_TIMEOUT: "an answer may take as long as it takes, while something comes of it",
  LETTA_CONVERSATIONS_ENABLED: "each room always has a conversation of its own",
  LETTA_MAX_TOOL_CALLS: "not limited here, but for what agents ask each other (`agents.most_hops`)",
  LETTA_MESSAGE_QUEUE_MAX_SIZE: "the length of a queue is fixed",
  MATRIX_GROUPS_JSON: "not supported yet",
  NTFY_URL: "not supported yet",
  NTFY_TOPIC: "not supported yet",
};

function localpartIn(text: string): string {
  return /^@([^:]*)/.exec(text.trim())?.[1] ?? text;
}

function seconds(text: string): string {
  return /^\s*\d+(\.\d+)?\s*$/.test(text) ? `${text.trim()}s` : text;
}

const levels: Readonly<Record<string, string>> = { warning: "warn", critical: "fatal" };

function level(text: string): string {
  const lower = text.trim().toLowerCase();
  return levels[lower] ?? lower;
}
