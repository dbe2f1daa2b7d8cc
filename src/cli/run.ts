import { ConfigError } from "../config/config-error.ts";
import type { Environment } from "../config/environment.ts";
import { loadSettings, secretsOf } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { createLogger, type Logger, type LoggerOptions } from "../telemetry/logger.ts";
import { type Console, explain } from "./console.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { Reload } from "./reload.ts";

/** The whole program as this command sees it. */
export interface RunnableApp {
  /** Resolves when everything runs. When it throws, nothing runs. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Goes on with another configuration, in all that a running process can take over. */
  reconfigure(config: Config): void;
  /** Rejects when the process can do nothing useful any more. */
  readonly failed: Promise<never>;
}

export interface RunEnvironment {
  readonly console: Console;
  readonly env: Environment;
  readonly createApp: (config: Config, logger: Logger) => Promise<RunnableApp>;
  /** Calls the listener for each request to end; gives the way to stop listening. */
  readonly onStopRequest: (listener: (signal: NodeJS.Signals) => void) => () => void;
  /** Calls the listener for each request to read the configuration again; gives the way to stop listening. */
  readonly onReloadRequest: (listener: () => void) => () => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Where log lines go; standard output when left out. */
  readonly log?: NonNullable<LoggerOptions["destination"]>;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
}

/** A terminal, a supervisor and a wrapper may each deliver what is one request: within this time they count as one, ms. */
const sameRequest = 1_000;

/** Runs until it is told to stop or fails. */
export async function run(configPath: string, environment: RunEnvironment): Promise<ExitCode> {
  const settings = await loadSettings(configPath, environment.env).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    environment.console.err(`${explain(error)}\n`);
    return undefined;
  });
  if (settings === undefined) return exitCode.config;
  const { config } = settings;
  const { level } = config.log;
  const { log: destination } = environment;
  const logger = createLogger({ level, secrets: secretsOf(config), ...(destination !== undefined && { destination }) });
  const app = await environment.createApp(config, logger);
  const stopRequest = awaitStopRequest(environment, logger);
  const reload = new Reload(() => loadSettings(configPath, environment.env), settings, { app, logger });
  // From here on: to a process that does not listen, the signal is the end.
  const ignoreReloads = environment.onReloadRequest(() => reload.request());
  try {
    await app.start();
    logger.info({ server: config.homeserver.serverName, data: config.dataFolder }, "running");
    await Promise.race([stopRequest.first, app.failed]);
    logger.info({}, "stopping");
    return exitCode.ok;
  } catch (err) {
    logger.fatal({ err }, "ending");
    environment.console.err(`${explain(err)}\n`);
    return exitCode.failed;
  } finally {
    await app.stop();
    logger.info({}, "stopped");
    ignoreReloads();
    stopRequest.ignore();
  }
}

function awaitStopRequest({ onStopRequest, now, exit }: RunEnvironment, logger: Logger) {
  const first = Promise.withResolvers<void>();
  let since: number | undefined;
  const ignore = onStopRequest((signal) => {
    if (since === undefined) {
      since = now();
      first.resolve();
    } else if (now() - since > sameRequest) {
      logger.warn({ signal }, "asked a second time: ending at once");
      exit(exitCode.failed);
    }
  });
  return { first: first.promise, ignore };
}
