import { readSync, writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { App, Connect, Ports } from "../../src/app.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Host } from "../../src/runtime/host.ts";
import type { Logger } from "../../src/telemetry/logger.ts";
import { watchCommits } from "./commits.ts";
import { losePowerWhenKilled } from "./disk.ts";
import { hasteOf } from "./haste.ts";
import { KillPoint } from "./kill-point.ts";
import { order, type Report, type VictimSettings } from "./protocol.ts";
import { TransitionWatch } from "./transitions.ts";
import { type Watch, watchPorts } from "./watched-ports.ts";

/**
 * The product in a process of its own, which stops itself at the boundary that the driver names:
 * `node test/crash/victim.ts <folder of app.ts>`. Orders come over Node's IPC channel, reports go to file descriptor 3
 * and are out before anything else happens; while it stands still it waits for a byte on file descriptor 4. Standard
 * input will not do: importing node:process, as packages may, makes it one that does not wait.
 */

const [, , source = ""] = process.argv;
const goOnInput = 4;
const reportOutput = 3;

const { createApp } = await product<typeof import("../../src/app.ts")>("app.ts");
const { AppServerBackend } =
  await product<typeof import("../../src/letta/app-server/backend.ts")>("letta/app-server/backend.ts");
const { ClientServerHomeserver } =
  await product<typeof import("../../src/matrix/client-server.ts")>("matrix/client-server.ts");
const { connectPorts } = await product<typeof import("../../src/ports.ts")>("ports.ts");
const { systemClock } = await product<typeof import("../../src/runtime/clock.ts")>("runtime/clock.ts");
const { addressOf } = await product<typeof import("../../src/machines/addresses.ts")>("machines/addresses.ts");
const { createLogger } = await product<typeof import("../../src/telemetry/logger.ts")>("telemetry/logger.ts");

const tell = (line: Report): void => {
  writeSync(reportOutput, `${JSON.stringify(line)}\n`);
};
const points = new KillPoint({
  report: tell,
  now: Date.now,
  act(action) {
    if (action === "die") process.kill(process.pid, "SIGKILL");
    // The whole process waits, as it would when it is killed here. No byte at all: the driver is gone.
    else if (readSync(goOnInput, Buffer.alloc(1)) === 0) process.exit(1);
  },
});
const watch: Watch = { points, report: tell, now: Date.now, arrived: new Map() };
let running: { readonly app: App; readonly serverName: string } | undefined;

process.once("disconnect", () => process.exit(1));
process.on("message", (message) => {
  const what = order.parse(message);
  switch (what.type) {
    case "arm":
      return points.arm(what.arm);
    case "start":
      return void start(what.settings);
    case "look":
      return void look();
    case "stop":
      return void stop();
  }
});
// Kept now, since a killed process keeps nothing at its end.
flushCompileCache();
tell({ type: "loaded" });

async function start(settings: VictimSettings): Promise<void> {
  const { serverName } = settings.homeserver;
  points.begin("starting");
  losePowerWhenKilled({ slow: settings.slowCommits, on: watchCommits(points) });
  const connect: Connect = (config, logger) => watchPorts(portsOf(config, logger, settings), watch);
  const app = createApp(configOf(settings), createLogger({ level: "info", secrets: [] }), connect);
  running = { app, serverName };
  app.failed.catch(() => process.exit(1));
  const started = app.start();
  const followed = new TransitionWatch(watch).follow(await hostOf(app, started), serverName);
  await Promise.all([started, followed]);
  points.end("starting");
  tell({ type: "up" });
}

async function look(): Promise<void> {
  if (running === undefined) return;
  const { app, serverName } = running;
  await app.host.accept(addressOf.discovery(serverName), { type: "LIST_NOW" });
}

async function stop(): Promise<void> {
  points.begin("stopping");
  await running?.app.stop();
  points.end("stopping");
  process.exit(0);
}

/** The host as soon as there is one: it reads its store before it takes up what was left undone. */
async function hostOf(app: App, started: Promise<void>): Promise<Host> {
  const failed = started.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  for (;;) {
    try {
      return app.host;
    } catch {
      const failure = await Promise.race([failed, setImmediate()]);
      if (failure !== undefined) throw failure.error;
    }
  }
}

/** The real servers, as the product connects to them by itself, in a time that runs faster. */
function portsOf(config: Config, logger: Logger, settings: VictimSettings): Ports {
  const { letta } = config;
  const { url, serverName, registration } = config.homeserver;
  const { toolAllowList, toolAskList, idleTimeoutMs } = letta;
  const { receiptWithinMs } = settings.letta;
  const backend = new AppServerBackend({ url: letta.url, toolAllowList, toolAskList, idleTimeoutMs, receiptWithinMs });
  const clock = hasteOf(systemClock, settings.epoch, settings.haste);
  if (config.homeserver.appservice !== undefined) {
    const ports = connectPorts(config, logger);
    return {
      ...ports,
      letta: backend,
      clock,
      async close() {
        await ports.close();
        await backend.close();
      },
    };
  }
  const homeserver = new ClientServerHomeserver({ baseUrl: url, serverName, registration });
  return {
    homeserver,
    people: homeserver.people,
    letta: backend,
    clock,
    async close() {
      homeserver.close();
      await backend.close();
    },
  };
}

/** A module of the product that is to run, which need not be the one beside this file. */
function product<TModule>(file: string): Promise<TModule> {
  return import(pathToFileURL(`${source}/${file}`).href);
}

function configOf(settings: VictimSettings): Config {
  const { dataFolder, homeserver, tools, people } = settings;
  const { url, serverName, sharedSecret, appservice } = homeserver;
  const registration = { kind: "shared-secret", secret: sharedSecret } as const;
  const way =
    appservice === undefined
      ? { registration }
      : { appservice: { ...appservice, rateLimited: false, exclusive: true } };
  return {
    homeserver: { url, serverName, ...way },
    letta: {
      url: settings.letta.url,
      toolAllowList: tools === "allowed" ? ["Bash"] : [],
      toolAskList: tools === "asked" ? ["Bash"] : [],
      matrixTools: [],
      idleTimeoutMs: 300_000,
    },
    dataFolder,
    invite: people,
    coreUsers: {},
    space: { name: "Letta Agents", aliasLocalpart: "letta-agents" },
    discovery: { intervalMs: 3_600_000, graceMs: 7_200_000, disabled: [] },
    audit: { intervalMs: 3_600_000 },
    rooms: { nameTemplate: "{agent}" },
    avatars: { kind: "generated" },
    commands: { people },
    invitations: { people: [], servers: [] },
    agents: { mostHops: 10 },
    history: { importLimit: 0 },
    formerClients: { legacyOpen: false },
    drafts: { ratePerSecond: 100, burst: 1_000 },
    api: { allowedHosts: [], allowedOrigins: [], ratePerMinute: 1_200 },
    log: { level: "info" },
  };
}
