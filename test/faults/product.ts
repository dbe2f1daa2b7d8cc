import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { pino } from "pino";
import type { App, Ports } from "../../src/app.ts";
import { stateText } from "../../src/commands/status/views.ts";
import type { Config } from "../../src/config/schema.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import type { ClientServerOptions } from "../../src/matrix/connections.ts";
import type { Homeserver } from "../../src/matrix/port.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import { hasteOf } from "../crash/haste.ts";
import { listening, type PushAddress } from "../servers/transports.ts";

export interface ProductOptions {
  /** The folder of its `app.ts`. */
  readonly source: string;
  readonly dir: string;
  readonly homeserver: { readonly url: string; readonly serverName: string; readonly sharedSecret: string };
  /** Where the homeserver pushes to, if it does. */
  readonly pushAddress?: PushAddress;
  readonly lettaUrl: string;
  /** Who is invited to everything. */
  readonly people: readonly string[];
}

/** How many times as fast its backoffs run: ten minutes take 10 s. */
const clockHaste = 60;
/** The same for what it waits for an answer: 30 s take 3 s. */
export const timerHaste = 10;
/** How much later than asked a long-poll may end, ms of its time. */
const pollGraceMs = 20_000;
const idleTimeoutMs = 60_000;
const receiptWithinMs = 10_000;

/** The product in this process, in a time that runs faster. */
export class Product {
  readonly #app: App;
  readonly #server: string;
  /** The state in which an agent hears what is said. */
  readonly #listening: string;

  private constructor(app: App, { homeserver, pushAddress }: ProductOptions) {
    this.#app = app;
    this.#server = homeserver.serverName;
    this.#listening = listening[pushAddress === undefined ? "client-server" : "appservice"];
  }

  static async start(options: ProductOptions): Promise<Product> {
    const { source, dir } = options;
    const { createApp } = await moduleOf<typeof import("../../src/app.ts")>(source, "app.ts");
    const ports = await portsOf(options);
    const log = pino(pino.destination(join(dir, "letta-matrix.log")));
    const app = createApp(configOf(options), log, () => ports);
    await app.start();
    return new Product(app, options);
  }

  stop(): Promise<void> {
    return this.#app.stop();
  }

  /** Has it look for new agents. */
  listNow(): Promise<void> {
    return this.#app.host.accept(addressOf.discovery(this.#server), { type: "LIST_NOW" });
  }

  /** Has the agent look back at what was said. */
  lookBack(agentId: string): Promise<void> {
    return this.#app.host.accept(addressOf.agent(this.#server, agentId), { type: "LOOK_BACK" });
  }

  /** The states of the agent's regions, or `""`. */
  agentState(agentId: string): string {
    const record = this.#agent(agentId);
    if (record === undefined || typeof record.value === "string") return "";
    return Object.entries(record.value)
      .map(([region, value]) => `${region}=${stateText(value)}`)
      .join(" ");
  }

  conversationState(agentId: string, roomId: string): string {
    return stateText(this.#app.host.read(addressOf.conversation(this.#server, agentId, roomId))?.value);
  }

  discoveryState(): string {
    return stateText(this.#app.host.read(addressOf.discovery(this.#server))?.value);
  }

  /** The room of an agent that lives in it and hears what is said. */
  homeOf(agentId: string): string | undefined {
    const roomId = this.#agent(agentId)?.context["roomId"];
    const { account, room, intake } = statesIn(this.agentState(agentId));
    const isAtHome = account === "online" && room === "ready" && intake === this.#listening;
    return isAtHome && typeof roomId === "string" ? roomId : undefined;
  }

  /** What the agent says is wrong. */
  troublesOf(agentId: string): string[] {
    return Object.keys(Object(this.#agent(agentId)?.context["troubles"]));
  }

  #agent(agentId: string): ActorRecord | undefined {
    return this.#app.host.read(addressOf.agent(this.#server, agentId));
  }
}

function statesIn(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split(" ").map((region) => region.split("=")));
}

function moduleOf<TModule>(source: string, file: string): Promise<TModule> {
  return import(pathToFileURL(join(source, file)).href);
}

async function portsOf(options: ProductOptions): Promise<Ports> {
  const { source, lettaUrl } = options;
  const { url, serverName, sharedSecret } = options.homeserver;
  const { ClientServerHomeserver } = await moduleOf<typeof import("../../src/matrix/client-server.ts")>(
    source,
    "matrix/client-server.ts",
  );
  const { AppServerBackend } = await moduleOf<typeof import("../../src/letta/app-server/backend.ts")>(
    source,
    "letta/app-server/backend.ts",
  );
  const { RestBackend } = await moduleOf<typeof import("../../src/letta/rest/backend.ts")>(
    source,
    "letta/rest/backend.ts",
  );
  const { systemClock } = await moduleOf<typeof import("../../src/runtime/clock.ts")>(source, "runtime/clock.ts");
  const { startTimer: slowly } = await moduleOf<typeof import("../../src/letta/timer.ts")>(source, "letta/timer.ts");
  const startTimer: typeof slowly = (ms, expired) => slowly(ms / timerHaste, expired);
  const within = { startTimer, limits: { pollGraceMs } };
  const homeserver = new ClientServerHomeserver(
    { baseUrl: url, serverName, registration: { kind: "shared-secret", secret: sharedSecret } },
    within,
  );
  const pushed = options.pushAddress && (await pushedPortsOf(options, options.pushAddress, within));
  const turns = { url: lettaUrl, toolAllowList: [], idleTimeoutMs, startTimer };
  const letta = lettaUrl.startsWith("http")
    ? new RestBackend({ ...turns, timeoutMs: 30_000 / timerHaste })
    : new AppServerBackend({ ...turns, receiptWithinMs });
  return {
    homeserver: pushed?.splitFrom(homeserver) ?? homeserver,
    ...(pushed && { pushes: pushed.pushes }),
    people: homeserver.people,
    letta,
    clock: hasteOf(systemClock, Date.now(), clockHaste),
    async close() {
      pushed?.acting.close();
      homeserver.close();
      await letta.close();
    },
  };
}

/** What is there besides for a product to which the homeserver pushes. */
async function pushedPortsOf(
  { source, homeserver: { url: baseUrl, serverName } }: ProductOptions,
  { registration: { id, asToken, hsToken }, listen }: PushAddress,
  within: ClientServerOptions,
) {
  const { isOurUser } = await moduleOf<typeof import("../../src/actor-options.ts")>(source, "actor-options.ts");
  const { AppserviceHomeserver } = await moduleOf<typeof import("../../src/matrix/appservice/homeserver.ts")>(
    source,
    "matrix/appservice/homeserver.ts",
  );
  const { AppservicePushes } = await moduleOf<typeof import("../../src/matrix/appservice/pushes.ts")>(
    source,
    "matrix/appservice/pushes.ts",
  );
  const { SplitHomeserver } = await moduleOf<typeof import("../../src/matrix/appservice/split.ts")>(
    source,
    "matrix/appservice/split.ts",
  );
  const acting = new AppserviceHomeserver({ baseUrl, serverName, asToken, ...within });
  return {
    acting,
    pushes: new AppservicePushes({ id, listen, hsToken, api: acting.itself }),
    splitFrom: (others: Homeserver): Homeserver =>
      new SplitHomeserver(acting, others, (userId) => isOurUser(serverName, userId)),
  };
}

function configOf(options: ProductOptions): Config {
  const { dir, lettaUrl, people, pushAddress } = options;
  const { url, serverName, sharedSecret } = options.homeserver;
  const never = 24 * 3_600_000;
  return {
    homeserver: {
      url,
      serverName,
      registration: { kind: "shared-secret", secret: sharedSecret },
      ...(pushAddress && { appservice: { ...pushAddress.registration, exclusive: true, listen: pushAddress.listen } }),
    },
    letta: { url: lettaUrl, toolAllowList: [], toolAskList: [], matrixTools: [], idleTimeoutMs },
    dataFolder: join(dir, "data"),
    invite: [...people],
    coreUsers: {},
    space: { name: "Letta Agents", aliasLocalpart: "letta-agents" },
    discovery: { intervalMs: never, graceMs: never, disabled: [] },
    audit: { intervalMs: never },
    rooms: { nameTemplate: "{agent}" },
    avatars: { kind: "generated" },
    commands: { people: [] },
    invitations: { people: [], servers: [] },
    agents: { mostHops: 10 },
    history: { importLimit: 0 },
    formerClients: { legacyOpen: false },
    drafts: { ratePerSecond: 100, burst: 1_000 },
    api: { allowedHosts: [], allowedOrigins: [], ratePerMinute: 1_200 },
    log: { level: "info" },
  };
}
