import { randomBytes, randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type LoggedRequest, parseAccessLog } from "./access-log.ts";
import type { AppserviceRegistration } from "./homeserver/appservice/registration.ts";
import { ensureSynapse, type InstallOptions } from "./install.ts";
import { loadInstance } from "./instance.ts";
import { type Restartable, startRestartable } from "./restartable.ts";
import {
  appserviceConfig,
  homeserverConfig,
  logConfig,
  type RateLimits,
  type SynapseInstance,
  synapseFiles,
} from "./synapse-config.ts";

export interface SynapseOptions {
  /** Its data. A folder that a Synapse ran in before continues with the same accounts, rooms and secrets. */
  readonly dir: string;
  /** Default: `default`. */
  readonly rateLimits?: RateLimits;
  /** For a new folder only. Default: `localhost`. */
  readonly serverName?: string;
  /** Merged over homeserver.yaml, e.g. `app_service_config_files`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The application services that it knows. Default: those of `config`. */
  readonly appservices?: readonly AppserviceRegistration[];
  readonly install?: InstallOptions;
}

export interface Synapse extends Restartable {
  readonly baseUrl: string;
  /** The part after the colon in its user ids. */
  readonly serverName: string;
  readonly registrationSharedSecret: string;
  /** Synapse's own log. */
  readonly logFile: string;
  /** Every request that was answered up to now, of all starts on this folder, oldest first. */
  requests(): Promise<LoggedRequest[]>;
}

const barrierAgent = "access-log-barrier";

/** Starts a Synapse on SQLite that listens on 127.0.0.1 only and contacts nobody. */
export async function startSynapse(options: SynapseOptions): Promise<Synapse> {
  const dir = resolve(options.dir);
  const [{ python }, instance] = await Promise.all([
    ensureSynapse(options.install),
    loadInstance(dir, instanceSchema, (port) => newInstance(port, options.serverName ?? "localhost")),
  ]);
  const files = synapseFiles(dir);
  const appservices = (options.appservices ?? []).map((registration) => ({
    file: join(dir, `appservice-${registration.id}.yaml`),
    text: JSON.stringify(appserviceConfig(registration), undefined, 2),
  }));
  const known = appservices.length > 0 && { app_service_config_files: appservices.map(({ file }) => file) };
  const config = homeserverConfig(dir, instance, options.rateLimits ?? "default", { ...known, ...options.config });
  await Promise.all([
    ...appservices.map(({ file, text }) => writeFile(file, text, { mode: 0o600 })),
    writeFile(files.config, JSON.stringify(config, undefined, 2), { mode: 0o600 }),
    writeFile(files.logConfig, JSON.stringify(logConfig(dir), undefined, 2)),
    writeFile(files.signingKey, `ed25519 a_key ${instance.signingKey}\n`, { mode: 0o600 }),
  ]);
  const baseUrl = `http://127.0.0.1:${instance.port}`;
  const server = await startRestartable(async () => ({
    name: "Synapse",
    command: python,
    args: ["-m", "synapse.app.homeserver", "--config-path", files.config],
    cwd: dir,
    env: {
      PATH: `${dirname(python)}:/usr/bin:/bin`,
      HOME: dir,
      LANG: "C.UTF-8",
      PYTHONUNBUFFERED: "1",
    },
    logFile: join(dir, "synapse.out.log"),
    readyUrl: `${baseUrl}/health`,
  }));
  return {
    baseUrl,
    serverName: instance.serverName,
    registrationSharedSecret: instance.registrationSharedSecret,
    logFile: files.log,
    get pid() {
      return server.pid;
    },
    kill: (signal) => server.kill(signal),
    restart: () => server.restart(),
    stop: () => server.stop(),
    requests: () => readRequests(baseUrl, files.accessLog),
  };
}

const instanceSchema = z.object({
  port: z.number(),
  serverName: z.string(),
  registrationSharedSecret: z.string(),
  macaroonSecret: z.string(),
  formSecret: z.string(),
  signingKey: z.string(),
});

function newInstance(port: number, serverName: string): SynapseInstance {
  const secret = () => randomBytes(24).toString("base64url");
  return {
    port,
    serverName,
    registrationSharedSecret: secret(),
    macaroonSecret: secret(),
    formSecret: secret(),
    signingKey: randomBytes(32).toString("base64").replaceAll("=", ""),
  };
}

/**
 * Synapse logs a request only after its answer has left, so the caller may know of an answer before the log does. A
 * request of our own that shows up in the log proves that all earlier ones do.
 */
async function readRequests(baseUrl: string, accessLog: string): Promise<LoggedRequest[]> {
  const barrier = `${barrierAgent}/${randomUUID()}`;
  const passed = await fetch(`${baseUrl}/_matrix/client/versions`, {
    headers: { "user-agent": barrier },
    signal: AbortSignal.timeout(10_000),
  }).then(
    (response) => response.text().then(() => true),
    () => false, // not running: what it has written is all there is
  );
  const deadline = performance.now() + 5_000;
  for (;;) {
    const requests = parseAccessLog(await readFile(accessLog, "utf8").catch(() => ""));
    if (!passed || requests.some((request) => request.userAgent === barrier)) {
      return requests.filter((request) => !request.userAgent.startsWith(barrierAgent));
    }
    if (performance.now() > deadline) throw new Error(`Synapse wrote no access log to ${accessLog} for 5 s`);
    await sleep(10);
  }
}
