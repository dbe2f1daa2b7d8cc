import { join } from "node:path";
import { type App, createApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { turnOf } from "../crash/marks.ts";
import { eventually } from "../e2e/eventually.ts";
import { FakeHomeserver } from "../ports/fake-homeserver.ts";
import { FakeLetta } from "../ports/fake-letta.ts";
import { FakePeople } from "../ports/fake-people.ts";

export const configName = "letta-matrix.yaml";

/** The product on servers in memory, in a folder with its configuration and its data. */
export class Town {
  readonly homeserver: FakeHomeserver;
  readonly letta: FakeLetta;
  readonly log: { readonly level: string; readonly msg: string }[] = [];
  readonly app: App;

  private constructor(app: (town: Town) => App, { homeserver, letta }: Partial<Pick<Town, "homeserver" | "letta">>) {
    this.homeserver = homeserver ?? new FakeHomeserver(systemClock);
    this.letta = letta ?? new FakeLetta();
    this.letta.agents = [
      { id: "agent-ann", name: "Ann" },
      { id: "agent-bob", name: "Bob" },
    ];
    this.app = app(this);
  }

  /** Not started. With the servers of one that has stopped, where such are given. */
  static async in(folder: string, servers: Partial<Pick<Town, "homeserver" | "letta">> = {}): Promise<Town> {
    const config = await loadConfig(join(folder, configName), {});
    return new Town((town) => {
      const destination = { write: (line: string) => void town.log.push(JSON.parse(line)) };
      const { homeserver, letta } = town;
      return createApp(config, createLogger({ level: "info", secrets: [], destination }), () => ({
        homeserver,
        people: new FakePeople(homeserver),
        letta,
        clock: systemClock,
        close: async () => undefined,
      }));
    }, servers);
  }

  /** Resolves with the room of an agent that hears what is said there. */
  roomOf(agentId: string): Promise<string> {
    return eventually(`${agentId} to hear`, () => {
      const { context, value } = this.app.host.read(addressOf.agent(this.homeserver.serverName, agentId)) ?? {};
      const state = JSON.stringify(value ?? "");
      return state.includes('"ready"') && state.includes('"polling"') ? String(context?.["roomId"]) : undefined;
    });
  }

  /** Somebody says something. Gives its event id. */
  say(roomId: string, body: string): string {
    return this.homeserver.post(roomId, { sender: "@eve:test", content: { msgtype: "m.text", body } }).eventId;
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
