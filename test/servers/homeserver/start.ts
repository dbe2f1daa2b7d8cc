import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { z } from "zod";
import { loadInstance } from "../instance.ts";
import { startRestartable } from "../restartable.ts";
import type { Synapse } from "../synapse.ts";
import { readAccessLog } from "./access-log.ts";
import type { AppserviceOddities } from "./appservice/oddities.ts";
import type { AppserviceRegistration } from "./appservice/registration.ts";
import type { HomeserverOddities, HomeserverProfile } from "./oddities.ts";

export interface HomeserverOptions {
  /** Its data. A folder that it ran in before continues with the same accounts, rooms, secrets and port. */
  readonly dir: string;
  /** Default: `default`, what the profile's server has that nobody configured. */
  readonly rateLimits?: "default" | "lifted";
  /** For a new folder only. Default: `localhost`. */
  readonly serverName?: string;
  /** What it does otherwise than its profile says. */
  readonly oddities?: Partial<HomeserverOddities>;
  /** The application services that it knows. */
  readonly appservices?: readonly AppserviceRegistration[];
  /** What it does otherwise than its profile says, towards them. */
  readonly appserviceOddities?: Partial<AppserviceOddities>;
}

/** Stands for a homeserver, wherever a {@link Synapse} is asked for. */
export interface StandInHomeserver extends Synapse {
  /** A token that users may register with. */
  readonly registrationToken: string;
}

/**
 * Starts a stand-in of Synapse, Tuwunel or Dendrite on 127.0.0.1, in a process of its own, in some tenths of a second.
 *
 *     const homeserver = await startHomeserver("synapse", { dir: join(dir, "homeserver"), rateLimits: "lifted" });
 *
 * It has all that `startSynapse` gives: `registerUser(homeserver, "ada")` works on each profile, `requests()` has every
 * answered request, and `kill("SIGKILL")` with `restart()` brings back all that was acknowledged, on the same port.
 * Synapse's admin API, beyond registration by shared secret, is there on the profile `synapse` only.
 */
export async function startHomeserver(
  profile: HomeserverProfile,
  options: HomeserverOptions,
): Promise<StandInHomeserver> {
  const dir = resolve(options.dir);
  const instance = await loadInstance(dir, instanceSchema, (port) =>
    newInstance(port, options.serverName ?? "localhost"),
  );
  const { port, serverName, registrationSharedSecret, registrationToken } = instance;
  const limits = options.rateLimits === "lifted" ? { rateLimits: "none" } : {};
  const { appservices, appserviceOddities } = options;
  const oddities = { ...limits, ...options.oddities };
  const settings = { ...instance, dir, profile, oddities, appservices, appserviceOddities };
  const baseUrl = `http://127.0.0.1:${port}`;
  const logFile = join(dir, "homeserver.log");
  const server = await startRestartable(async () => ({
    name: `the stand-in of ${profile}`,
    command: process.execPath,
    args: [resolve(import.meta.dirname, "..", "homeserver-process.ts"), JSON.stringify(settings)],
    cwd: dir,
    env: {},
    logFile,
    readyUrl: `${baseUrl}/health`,
  }));
  return {
    baseUrl,
    serverName,
    registrationSharedSecret,
    registrationToken,
    logFile,
    get pid() {
      return server.pid;
    },
    kill: (signal) => server.kill(signal),
    restart: () => server.restart(),
    stop: () => server.stop(),
    requests: () => readAccessLog(join(dir, "access.jsonl")),
  };
}

const instanceSchema = z.object({
  port: z.number(),
  serverName: z.string(),
  registrationSharedSecret: z.string(),
  registrationToken: z.string(),
});

function newInstance(port: number, serverName: string): z.infer<typeof instanceSchema> {
  const secret = () => randomBytes(24).toString("base64url");
  return { port, serverName, registrationSharedSecret: secret(), registrationToken: secret() };
}
