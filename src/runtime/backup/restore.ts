import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureDataFolder } from "../data-folder.ts";
import type { Restored } from "../storage.ts";
import { assertFree, epochIn, hasStore, isThere, stampOf } from "./aside.ts";
import { buildStore, removeBuilt } from "./build.ts";
import { BackupUnusable, checkBackup, headerOf, rowsOf } from "./file.ts";
import { orUnavailable } from "./or-unavailable.ts";
import { replaceStore } from "./replacing.ts";

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
  if (!replace) for (const { path } of others.filter((one) => one.isThere)) throw inTheWay(path);
  await assertFree(folder);
  const built = `${folder}.new`;
  const epoch = Math.max(summary.store.epoch, await epochIn(folder)) + 1;
  try {
    return await orUnavailable(`the store in ${folder} cannot be restored`, async () => {
      await buildStore(built, rowsOf(file), { epoch, now });
      const moved = await replaceStore({ built, folder, suffix: `before-restore-${stampOf(now())}`, files: others });
      const { rows, records, at } = summary;
      return { rows, records, at, epoch, moved };
    });
  } finally {
    await removeBuilt(built);
  }
}

/** Files that the backup has, and that are not there, or otherwise. */
async function otherFiles(dataFolder: string, files: Readonly<Record<string, string>>) {
  const others: { readonly path: string; readonly content: string; readonly isThere: boolean }[] = [];
  for (const [name, content] of Object.entries(files)) {
    const path = join(dataFolder, name);
    const present = await readFile(path, "utf8").catch(() => undefined);
    if (present?.trim() !== content.trim()) others.push({ path, content, isThere: await isThere(path) });
  }
  return others;
}

function inTheWay(path: string): BackupUnusable {
  return new BackupUnusable(
    `${path} is there already, and it is not what the backup has`,
    "Move it out of the data folder, or have that done with --replace, which deletes nothing.",
  );
}
