import { cp, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { assertRoom } from "../embedded/store/room.ts";
import { StoreUnavailable } from "../embedded/store/unavailable.ts";
import type { Repaired } from "../storage.ts";
import { assertFree, epochIn, hasStore, stampOf } from "./aside.ts";
import { buildStore, removeBuilt } from "./build.ts";
import { inspectFolder } from "./inspect.ts";
import { orUnavailable } from "./or-unavailable.ts";
import { endReplacing, replaceStore } from "./replacing.ts";
import { rescueFrom } from "./rescue.ts";

/**
 * Makes a new store of what a damaged one still has, while nothing runs; `undefined` when it is whole. The damaged one is
 * moved aside, as it is. Throws {@link StoreUnavailable}, and then everything is as it was.
 */
export async function repairStore(
  dataFolder: string,
  { now = Date.now }: { readonly now?: () => number } = {},
): Promise<Repaired | undefined> {
  const folder = join(dataFolder, "store");
  const [copy, built] = [`${folder}.copy`, `${folder}.new`];
  await assertFree(folder);
  await endReplacing(built, folder);
  const { damage } = await inspectFolder(folder);
  if (damage.length === 0) return undefined;
  if (!(await hasStore(folder))) throw nothingLeft(damage);
  try {
    return await orUnavailable(`the store in ${folder} cannot be repaired`, async () => {
      await copyOf(folder, copy);
      const rescue = await rescueFrom(copy);
      try {
        const epoch = (await epochIn(folder)) + 1;
        const { rows, records } = await buildStore(built, rescue.rows, { epoch, now });
        if (rows === 0) throw nothingLeft(damage);
        const moved = await replaceStore({ built, folder, suffix: `before-repair-${stampOf(now())}` });
        const { lost, damaged } = rescue;
        return { damage, rows, records, lost, damaged, epoch, moved };
      } finally {
        await rescue.close();
      }
    });
  } finally {
    await rm(copy, { recursive: true, force: true });
    await removeBuilt(built);
  }
}

/** What LevelDB may need besides what it has read. */
const roomToWork = 16 * 1024 * 1024;

/** Copies a store to where it can be changed, with as much room left there as that takes. */
async function copyOf(folder: string, copy: string): Promise<void> {
  await rm(copy, { recursive: true, force: true });
  // The folder may be a link to where there is more room. What is copied is not the link: it is going to be changed.
  await cp(folder, copy, { recursive: true, dereference: true });
  // LevelDB leaves out what it finds no room for, and says nothing.
  await assertRoom(`${copy}.probe`, (await sizeOf(copy)) + roomToWork);
}

async function sizeOf(folder: string): Promise<number> {
  let size = 0;
  for (const file of await readdir(folder)) size += (await stat(join(folder, file))).size;
  return size;
}

function nothingLeft(damage: readonly string[]): StoreUnavailable {
  return new StoreUnavailable(
    "damaged",
    `nothing of the store can be read (${damage.join("; ")})`,
    "Restore a backup. Without one, move store and store.identity out of the data folder: the next start begins anew, with the users and rooms that the homeserver has.",
  );
}
