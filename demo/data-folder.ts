import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";

/** Two demos on the same data would destroy it. */
export class DataFolderInUse extends Error {
  override readonly name = "DataFolderInUse";
  readonly remedy: string;

  constructor(folder: string, cause: unknown) {
    super(`another demo runs on ${folder}`, { cause });
    this.remedy = "Stop it with Ctrl-C, or give this one a folder of its own: npm run demo -- --data FOLDER";
  }
}

/**
 * Makes the folder, and holds it until the returned function is called. The lock is LevelDB's: the system itself gives
 * it up when this process ends, however it does.
 */
export async function holdDataFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = new Level(join(folder, "lock"));
  try {
    await lock.open();
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(Object(error.cause), "code") : undefined;
    throw code === "LEVEL_LOCKED" ? new DataFolderInUse(folder, error) : error;
  }
  return () => lock.close();
}
