import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { setImmediate } from "node:timers/promises";
import { type App, type Connect, createApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { connectPorts } from "../../src/ports.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import type { Host } from "../../src/runtime/host.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { hasteOf } from "../crash/haste.ts";
import { listening } from "../servers/transports.ts";
import { lettaStandIn } from "./letta-stand-in.ts";
import { Lives } from "./lives.ts";
import { order, type Report, type Settings } from "./protocol.ts";
import { watchHomeserver } from "./watched-homeserver.ts";

/**
 * The product in a process of its own, which kills itself at each point that it has not died at before. Orders come over
 * Node's IPC channel, reports go to file descriptor 3 and are out before anything else happens.
 */

const tell = (line: Report): void => {
  writeSync(3, `${JSON.stringify(line)}\n`);
};

process.once("disconnect", () => process.exit(1));
process.on("message", (message) => void live(order.parse(message).settings));
// Kept now, since a killed process keeps nothing at its end.
flushCompileCache();
tell({ type: "loaded" });

async function live(settings: Settings): Promise<void> {
  const survived = new Set(settings.survived);
  const pass = (where: string): void => {
    const point = `${settings.phase}: ${where}`;
    if (survived.has(point)) return;
    tell({ type: "hit", point });
    process.kill(process.pid, "SIGKILL");
  };
  const config = await loadConfig(settings.configFile, {});
  const transport = config.homeserver.appservice === undefined ? "client-server" : "appservice";
  const lives = new Lives(settings.agents, { tell, pass, listening: listening[transport] });
  const connect: Connect = (given, logger) => {
    const ports = connectPorts(given, logger);
    return {
      ...ports,
      homeserver: watchHomeserver(ports.homeserver, (userId, request, when) => {
        const where = lives.whereIs(userId);
        if (where !== undefined) pass(`${where} ${request}, ${when}`);
      }),
      letta: lettaStandIn(settings.agents),
      clock: hasteOf(systemClock, settings.epoch, settings.haste),
    };
  };
  const app = createApp(config, createLogger({ level: "info", secrets: [] }), connect);
  const started = app.start();
  started.catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  });
  await lives.follow(await hostOf(app), config.homeserver.serverName);
}

/** The host as soon as there is one: it reads its store before it takes up what was left undone. */
async function hostOf(app: App): Promise<Host> {
  for (;;) {
    try {
      return app.host;
    } catch {
      await setImmediate();
    }
  }
}
