import { join } from "node:path";
import type { IdleStorage } from "../storage.ts";
import { inspectBackup, inspectFolder } from "./inspect.ts";
import { repairStore } from "./repair.ts";
import { restoreStore } from "./restore.ts";

/** The store of a data folder that nobody has open. */
export function idleStorage(dataFolder: string): IdleStorage {
  return {
    restore: (file, options) => restoreStore(dataFolder, file, options),
    repair: () => repairStore(dataFolder),
    inspect: (actor) => inspectFolder(join(dataFolder, "store"), actor),
    inspectBackup,
  };
}
