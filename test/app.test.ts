import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createApp } from "../src/app.ts";
import { secretFile } from "../src/config/instance-secret.ts";
import type { Config } from "../src/config/schema.ts";
import { AppservicePushes } from "../src/matrix/appservice/pushes.ts";
import type { Ports } from "../src/ports.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { ensureDataFolder } from "../src/runtime/data-folder.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { config } from "./commands/doctor/healthy.ts";
import { FakeHomeserver, matrixError } from "./ports/fake-homeserver.ts";
import { FakeLetta } from "./ports/fake-letta.ts";
import { FakePeople } from "./ports/fake-people.ts";
import { freePort } from "./servers/free-port.ts";

let dataFolder: string;
beforeEach(async () => {
  dataFolder = join(await mkdtemp(join(tmpdir(), "app-")), "data");
});
afterEach(() => rm(join(dataFolder, ".."), { recursive: true }));

/** Somebody has the port, until it is given back. */
async function taken(port: number) {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return async () => {
    server.close();
    await once(server, "close");
  };
}

/** The program as an application service, at ports of its own. */
async function installation() {
  const [pushPort, apiPort] = [await freePort(), await freePort()];
  const homeserver = new FakeHomeserver(systemClock);
  let open = 0;
  const connect = (): Ports => {
    open++;
    return {
      homeserver,
      people: new FakePeople(homeserver),
      letta: new FakeLetta(),
      clock: systemClock,
      pushes: new AppservicePushes({
        id: "letta-matrix",
        listen: `127.0.0.1:${pushPort}`,
        hsToken: "hs",
        api: { call: () => Promise.reject(matrixError("unsupported")) },
      }),
      close: async () => void open--,
    };
  };
  const ours: Config = {
    ...config,
    homeserver: { url: "http://127.0.0.1:9", serverName: homeserver.serverName },
    dataFolder,
    api: { ...config.api, listen: { host: "127.0.0.1", port: apiPort } },
  };
  const logger = createLogger({ level: "fatal", secrets: [] });
  return { pushPort, apiPort, app: () => createApp(ours, logger, connect), connections: () => open };
}

describe("a start that fails", () => {
  test("gives back all that was opened before: ports, connections, the store", async () => {
    const { pushPort, apiPort, app, connections } = await installation();
    const free = await taken(apiPort);
    await expect(app().start()).rejects.toThrow(`cannot listen at 127.0.0.1:${apiPort}`);
    await (await taken(pushPort))();
    expect(connections()).toBe(0);
    await free();
    const next = app();
    await next.start();
    expect(connections()).toBe(1);
    await next.stop();
    expect(connections()).toBe(0);
    for (const port of [pushPort, apiPort]) await (await taken(port))();
  });

  test("gives back connections and store where it ends before any part of the program has started", async () => {
    await ensureDataFolder(dataFolder);
    await writeFile(join(dataFolder, secretFile), "no secret");
    const { app, connections } = await installation();
    await expect(app().start()).rejects.toThrow(secretFile);
    expect(connections()).toBe(0);
    await rm(join(dataFolder, secretFile));
    const next = app();
    await next.start();
    await next.stop();
  });
});
