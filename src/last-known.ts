import { join } from "node:path";
import { callersOf } from "./callers.ts";
import { Waits } from "./commands/agents/waits.ts";
import { bindCommands } from "./commands/index.ts";
import { ownVersion } from "./commands/system/own-version.ts";
import { secretFile } from "./config/instance-secret.ts";
import { OpenStorage, type StorageOptions } from "./runtime/backup/open-storage.ts";
import { type Clock, systemClock } from "./runtime/clock.ts";
import { EmbeddedHost } from "./runtime/embedded/host.ts";
import { openStore } from "./runtime/embedded/open.ts";
import { createLogger } from "./telemetry/logger.ts";

/** What was last written down, while nothing runs. Throws StoreUnavailable, and makes no store where there is none. */
export async function openLastKnown(dataFolder: string, server: string) {
  const { store, vault, close } = await openStore(join(dataFolder, "store"), () => undefined, { create: false });
  // Never started: it only reads.
  const host = new EmbeddedHost({ store, clock: systemClock, jitterSeed: "", behaviours: [] });
  const adopt = () => Promise.reject(new Error("nothing is adopted while nothing runs"));
  const storage = storageOf(dataFolder, store, systemClock);
  const callers = await callersOf(vault, () => store, systemClock, createLogger({ level: "fatal", secrets: [] }));
  const nobody = {
    sessions: { as: nobodyActs },
    botUserId: "",
    waits: new Waits(),
    talk: { mostHops: 0 },
    answers: { wait: async () => undefined },
  };
  const commands = bindCommands({
    host,
    clock: systemClock,
    server,
    version: ownVersion(),
    adoption: { adopt },
    storage,
    ...nobody,
    ...callers,
  });
  return { commands, close };
}

function nobodyActs(): never {
  throw new Error("nobody says anything while nothing runs");
}

export function storageOf(dataFolder: string, store: StorageOptions["store"], clock: Clock): OpenStorage {
  return new OpenStorage({ dataFolder, store, files: [secretFile], now: () => clock.now() });
}
