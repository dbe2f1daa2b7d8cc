import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { ensureDataFolder } from "../data-folder.ts";
import { syncFolder } from "../embedded/store/identity.ts";
import { errorCode } from "../error-code.ts";
import type { Restored } from "../storage.ts";
import { assertFree, epochIn, hasStore, moveAside, putInPlace, stampOf } from "./aside.ts";
import { buildStore, removeBuilt } from "./build.ts";
import { BackupUnusable, checkBackup, headerOf, rowsOf } from "./file.ts";

export interface RestoreOptions {
  /** Moves what stands in the way aside, instead of refusing. */
  readonly replace?: boolean;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * Makes the store of a data folder from a backup, while nothing runs. Throws {@link BackupUnusable} or StoreUnavailable,
 * and then everything is as it was.
 */
export async function restoreStore(
  dataFolder: string,
  file: string,
  { replace = false, now = Date.now }: RestoreOptions = {},
): Promise<Restored> {
  const folder = join(dataFolder, "store");
  const summary = await checkBackup(file);
  const { files } = await headerOf(file);
  await ensureDataFolder(dataFolder);
  const others = await otherFiles(dataFolder, files);
  if (!replace && (await hasStore(folder))) throw inTheWay(folder);
  if (!replace) for (const name of others) throw inTheWay(join(dataFolder, name));
  await assertFree(folder);
  const built = `${folder}.new`;
  const epoch = Math.max(summary.store.epoch, await epochIn(folder)) + 1;
  try {
    await buildStore(built, rowsOf(file), { epoch, now });
    const suffix = `before-restore-${stampOf(now())}`;
    const moved = [...(await moveAside(folder, suffix))];
    for (const name of others) {
      const aside = join(dataFolder, `${name}.${suffix}`);
      await rename(join(dataFolder, name), aside);
      moved.push(aside);
    }
    for (const [name, content] of Object.entries(files)) await writeOnce(join(dataFolder, name), content);
    await syncFolder(dataFolder);
    await putInPlace(built, folder);
    const { rows, records, at } = summary;
    return { rows, records, at, epoch, moved };
  } finally {
    await removeBuilt(built);
  }
}

/** Files that the backup has, too, and otherwise. */
async function otherFiles(dataFolder: string, files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const others: string[] = [];
  for (const [name, content] of Object.entries(files)) {
    const present = await readFile(join(dataFolder, name), "utf8").catch(() => undefined);
    if (present !== undefined && present.trim() !== content.trim()) others.push(name);
  }
  return others;
}

async function writeOnce(file: string, content: string): Promise<void> {
  try {
    const handle = await open(file, "wx", 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}

function inTheWay(path: string): BackupUnusable {
  return new BackupUnusable(
    `${path} is there already, and it is not what the backup has`,
    "Move it out of the data folder, or have that done with --replace, which deletes nothing.",
  );
}
