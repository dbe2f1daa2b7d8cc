import { ConfigError } from "../config/config-error.ts";
import { difference } from "../config/difference.ts";
import type { Settings } from "../config/load.ts";
import { type Config, logLevels } from "../config/schema.ts";
import type { AdjustableLogger } from "../telemetry/logger.ts";

export interface Reloaded {
  readonly app: { reconfigure(config: Config): void };
  readonly logger: AdjustableLogger;
}

/** Reads the configuration of a running process again: all that has changed is taken over, or nothing is. */
export class Reload {
  readonly #read: () => Promise<Settings>;
  readonly #reloaded: Reloaded;
  #settings: Settings;
  #underWay: Promise<void> = Promise.resolve();

  constructor(read: () => Promise<Settings>, settings: Settings, reloaded: Reloaded) {
    this.#read = read;
    this.#settings = settings;
    this.#reloaded = reloaded;
  }

  /** One after the other, so that what was read last counts. The log says what came of it. */
  request(): void {
    this.#underWay = this.#underWay.then(() => this.#run());
  }

  async #run(): Promise<void> {
    const { app, logger } = this.#reloaded;
    let next: Settings;
    try {
      next = await this.#read();
    } catch (err) {
      const problems = err instanceof ConfigError ? { problems: err.problems } : { err };
      logger.error(problems, "the configuration was not reloaded: it is wrong, and the one before stays");
      return;
    }
    const { live, restart } = difference(this.#settings, next);
    if (restart.length > 0) {
      const remedy = "restart to change these keys, or change them back and send SIGHUP again for the others";
      logger.error({ restart, live, remedy }, "the configuration was not reloaded: the one before stays");
      return;
    }
    const { level: before } = this.#settings.config.log;
    this.#settings = next;
    app.reconfigure(next.config);
    const { level } = next.config.log;
    const tell = () =>
      logger.info(
        { keys: live },
        live.length === 0 ? "the configuration has not changed" : "the configuration was reloaded",
      );
    const becomesQuieter = logLevels.indexOf(level) > logLevels.indexOf(before);
    if (becomesQuieter) tell();
    logger.level = level;
    if (!becomesQuieter) tell();
  }
}
