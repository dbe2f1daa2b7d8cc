import { access, mkdir, readdir, realpath, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { damagedFile } from "../embedded/leveldb/files.ts";
import { openLevel } from "../embedded/open.ts";
import { readIdentity } from "../embedded/store/identity.ts";
import { StoreUnavailable } from "../embedded/store/unavailable.ts";

/** Whether anything is left of a store in that folder, whole or not. */
export async function hasStore(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length > 0;
}

/** How often the store in `folder` was made of another's rows, as far as that can be read. */
export async function epochIn(folder: string): Promise<number> {
  const known = await readIdentity(folder).catch(() => undefined);
  return known?.epoch ?? 0;
}

/** Throws {@link StoreUnavailable} when a process has the store open, or another user owns it. */
export async function assertFree(folder: string): Promise<void> {
  if (!(await hasStore(folder))) return;
  const { uid } = await stat(folder);
  if (process.getuid !== undefined && uid !== process.getuid())
    throw new StoreUnavailable(
      "taken",
      `the store in ${folder} belongs to another user`,
      "Run this command as the user who runs the program.",
    );
  if ((await damagedFile(folder)) !== undefined) return assertUnlocked(folder);
  // The lock is taken before anything is looked at, so that it tells of a store that cannot be opened, too.
  const level = await openLevel(folder, { create: false }).catch((error: unknown) => {
    if (error instanceof StoreUnavailable && error.kind === "taken") throw error;
    return undefined;
  });
  await level?.close();
}

/** LevelDB alone can tell, but must not open a store with a damaged file: it opens an empty one with the same lock. */
async function assertUnlocked(folder: string): Promise<void> {
  const beside = `${folder}.lock`;
  await rm(beside, { recursive: true, force: true });
  try {
    await mkdir(beside);
    await symlink(join(await realpath(folder), "LOCK"), join(beside, "LOCK"));
    const level = await openLevel(beside, { create: true }).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable) || error.kind !== "taken") throw error;
      throw new StoreUnavailable(error.kind, `the store in ${folder} is open in another process`, error.remedy, error);
    });
    await level.close();
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** For names: of this second, and sorted by time. */
export function stampOf(now: number): string {
  return new Date(now).toISOString().slice(0, 19).replaceAll(/[:-]/g, "");
}

export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
