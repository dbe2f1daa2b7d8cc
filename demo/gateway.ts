import { join } from "node:path";
import { pino } from "pino";
import { stringify } from "yaml";
import { type App, createApp } from "../src/app.ts";
import { loadConfig, secretsOf } from "../src/config/load.ts";
import type { Config } from "../src/config/schema.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { writeSecret } from "./human.ts";
import type { Servers } from "./servers.ts";

export interface Gateway {
  readonly app: App;
  readonly config: Config;
  readonly configFile: string;
  readonly logFile: string;
}

/** letta-matrix as it really runs: with a configuration file, which can be used for `letta-matrix status`, too. */
export async function createGateway(folder: string, { synapse, letta }: Servers, invite: string): Promise<Gateway> {
  const configFile = join(folder, "letta-matrix.yaml");
  const secretFile = "registration_shared_secret";
  await writeSecret(join(folder, secretFile), synapse.registrationSharedSecret);
  await writeSecret(
    configFile,
    stringify({
      homeserver: {
        url: synapse.baseUrl,
        server_name: synapse.serverName,
        registration: { shared_secret_file: secretFile },
      },
      letta: { url: letta.url },
      data_folder: "letta-matrix",
      invite: [invite],
      discovery: { interval: "5s" },
      // The demo's Synapse has no rate limits.
      drafts: { rate: 2, burst: 20 },
    }),
  );
  // Variables that are meant for another letta-matrix must not change this one.
  const config = await loadConfig(configFile, {});
  const logFile = join(folder, "letta-matrix.log");
  const destination = pino.destination({ dest: logFile, sync: true });
  const logger = createLogger({ level: config.log.level, secrets: secretsOf(config), destination });
  logger.info({ server: config.homeserver.serverName, data: config.dataFolder }, "starting for the demo");
  return { app: createApp(config, logger), config, configFile, logFile };
}
