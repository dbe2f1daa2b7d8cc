import { join } from "node:path";
import type { AppserviceRegistration } from "./homeserver/appservice/registration.ts";

/** What stays the same over the restarts of one Synapse. */
export interface SynapseInstance {
  readonly port: number;
  readonly serverName: string;
  readonly registrationSharedSecret: string;
  readonly macaroonSecret: string;
  readonly formSecret: string;
  /** 32 bytes, base64 without padding. */
  readonly signingKey: string;
}

export interface SynapseFiles {
  readonly config: string;
  readonly logConfig: string;
  readonly log: string;
  readonly accessLog: string;
  readonly signingKey: string;
}

export function synapseFiles(dir: string): SynapseFiles {
  return {
    config: join(dir, "homeserver.yaml"),
    logConfig: join(dir, "log.yaml"),
    log: join(dir, "synapse.log"),
    accessLog: join(dir, "access.log"),
    signingKey: join(dir, "signing.key"),
  };
}

/** `default` are the limits every Synapse has that nobody configured; `lifted` is for load, never for behaviour. */
export type RateLimits = "default" | "lifted";

/** homeserver.yaml as data (JSON is YAML). It contacts no other server. */
export function homeserverConfig(
  dir: string,
  instance: SynapseInstance,
  rateLimits: RateLimits,
  extra: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const files = synapseFiles(dir);
  return {
    server_name: instance.serverName,
    public_baseurl: `http://127.0.0.1:${instance.port}/`,
    pid_file: join(dir, "synapse.pid"),
    listeners: [
      {
        type: "http",
        port: instance.port,
        bind_addresses: ["127.0.0.1"],
        tls: false,
        resources: [{ names: ["client"], compress: false }],
      },
    ],
    database: { name: "sqlite3", args: { database: join(dir, "homeserver.db") } },
    log_config: files.logConfig,
    media_store_path: join(dir, "media"),
    signing_key_path: files.signingKey,
    registration_shared_secret: instance.registrationSharedSecret,
    macaroon_secret_key: instance.macaroonSecret,
    form_secret: instance.formSecret,
    enable_registration: true,
    registration_requires_token: true,
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    federation_domain_whitelist: [],
    report_stats: false,
    url_preview_enabled: false,
    presence: { enabled: false },
    // The cheapest that bcrypt allows: these accounts guard nothing, and every login would cost 0.25 s of CPU.
    bcrypt_rounds: 4,
    ...(rateLimits === "lifted" ? liftedRateLimits() : {}),
    ...extra,
  };
}

function liftedRateLimits(): Record<string, unknown> {
  const lifted = { per_second: 100_000, burst_count: 100_000 };
  return {
    rc_message: lifted,
    rc_registration: lifted,
    rc_registration_token_validity: lifted,
    rc_login: { address: lifted, account: lifted, failed_attempts: lifted },
    rc_joins: { local: lifted, remote: lifted },
    rc_joins_per_room: lifted,
    rc_invites: { per_room: lifted, per_user: lifted, per_issuer: lifted },
    rc_room_creation: lifted,
    rc_media_create: lifted,
    rc_admin_redaction: lifted,
    rc_user_directory: lifted,
    rc_profile: lifted,
    rc_reports: lifted,
  };
}

/** A registration file as data (JSON is YAML). */
export function appserviceConfig(registration: AppserviceRegistration): Record<string, unknown> {
  const { id, url, asToken, hsToken, senderLocalpart, rateLimited, users, aliases } = registration;
  const exclusive = (regex: string) => ({ exclusive: true, regex });
  return {
    id,
    url,
    as_token: asToken,
    hs_token: hsToken,
    sender_localpart: senderLocalpart,
    rate_limited: rateLimited,
    namespaces: { users: users.map(exclusive), aliases: aliases.map(exclusive), rooms: [] },
  };
}

/** Python's logging configuration: requests go to a file of their own, one line each, written through at once. */
export function logConfig(dir: string): Record<string, unknown> {
  const files = synapseFiles(dir);
  return {
    version: 1,
    disable_existing_loggers: false,
    formatters: {
      precise: { format: "%(asctime)s %(levelname)s %(name)s %(request)s %(message)s" },
      access: { format: "%(created).6f %(message)s" },
    },
    handlers: {
      file: { class: "logging.FileHandler", filename: files.log, formatter: "precise", encoding: "utf8" },
      access: { class: "logging.FileHandler", filename: files.accessLog, formatter: "access", encoding: "utf8" },
    },
    loggers: {
      "synapse.access": { level: "INFO", handlers: ["access"], propagate: false },
      "synapse.storage.SQL": { level: "WARNING" },
    },
    root: { level: "INFO", handlers: ["file"] },
  };
}
