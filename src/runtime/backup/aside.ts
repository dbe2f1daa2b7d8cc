import { access, readdir, stat } from "node:fs/promises";
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
  // The lock is taken before anything is looked at, so that it tells of a store that cannot be opened, too.
  const level = await openLevel(folder, { create: false }).catch((error: unknown) => {
    if (error instanceof StoreUnavailable && error.kind === "taken") throw error;
    return undefined;
  });
  await level?.close();
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
