import { join } from "node:path";
import { type App, createApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { turnOf } from "../crash/marks.ts";
import { FakeHomeserver } from "../ports/fake-homeserver.ts";
import { FakeLetta } from "../ports/fake-letta.ts";

export const configName = "letta-matrix.yaml";

/** The product on servers in memory, in a folder with its configuration and its data. */
export class Town {
  readonly homeserver = new FakeHomeserver(systemClock);
  readonly letta = new FakeLetta();
  readonly log: { readonly level: string; readonly msg: string }[] = [];
  readonly app: App;

  private constructor(app: (town: Town) => App) {
    this.letta.agents = [
      { id: "agent-ann", name: "Ann" },
      { id: "agent-bob", name: "Bob" },
    ];
    this.app = app(this);
  }

  /** Not started. */
  static async in(folder: string): Promise<Town> {
    const config = await loadConfig(join(folder, configName), {});
    return new Town((town) => {
      const destination = { write: (line: string) => void town.log.push(JSON.parse(line)) };
      const { homeserver, letta } = town;
      return createApp(config, createLogger({ level: "info", secrets: [], destination }), () => ({
        homeserver,
        letta,
        clock: systemClock,
        close: async () => undefined,
      }));
    });
  }

  /** What the final answers are to, each by its event id. */
  answered(): readonly string[] {
    return [...this.homeserver.rooms.values()]
      .flatMap(({ events }) => events)
      .flatMap(({ content }) => {
        const turn = turnOf(content);
        return turn?.final === true ? [turn.cause] : [];
      });
  }
}
