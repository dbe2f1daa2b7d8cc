import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { type Database, Store, type StoreFailed, Vault } from "./store.ts";

export interface OpenStore {
  readonly store: Store;
  readonly vault: Vault;
  close(): Promise<void>;
}

/** The store could not be opened: somebody else has it, or it is damaged. Nothing was changed. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.remedy = remedy;
  }
}

/** Opens the LevelDB store in `folder`, and creates it where there is none. Throws {@link StoreUnavailable}. */
export async function openStore(
  folder: string,
  onFailure: (error: StoreFailed) => void,
  { create = true }: { readonly create?: boolean } = {},
): Promise<OpenStore> {
  if (!create) await assertOurs(folder);
  const database = await openDatabase(folder);
  const store = new Store(database, onFailure);
  return {
    store,
    vault: new Vault(store),
    async close() {
      await store.flush().catch(() => undefined);
      await database.close();
    },
  };
}

/**
 * That there is a store, and that it is ours to open: LevelDB makes the folder even when it is told to create nothing,
 * and files, which the user who runs the program could not write, when somebody else opens it.
 */
async function assertOurs(folder: string): Promise<void> {
  if (!(await isThere(folder)))
    throw new StoreUnavailable(
      `there is no store in ${folder}`,
      "Start the program, or name the data folder that it ran with.",
    );
  const { uid } = await stat(join(folder, "CURRENT"));
  if (process.getuid !== undefined && uid !== process.getuid())
    throw new StoreUnavailable(
      `the store in ${folder} belongs to another user`,
      "Run this command as the user who runs the program.",
    );
}

/** Whether there is a database. Throws {@link StoreUnavailable} when there is only a part of one. */
export async function isThere(folder: string): Promise<boolean> {
  const files: readonly string[] = await readdir(folder).catch((error: unknown): readonly string[] => {
    if (Reflect.get(Object(error), "code") === "ENOENT") return [];
    throw damaged(folder, error);
  });
  if (files.includes("CURRENT")) return true;
  // LevelDB would take it for none, begin another, and delete what is there. One whose making was cut off is none: it
  // has its first manifest only.
  if (files.some((file) => /\.(ldb|sst)$|^MANIFEST-(?!0*1$)/.test(file)))
    throw damaged(`${join(folder, "CURRENT")}, which is gone`, undefined);
  return false;
}

export function damaged(where: string, cause: unknown): StoreUnavailable {
  return new StoreUnavailable(`the store is damaged at ${where}`, "restore the data folder from a backup", cause);
}

/** The database below a store. Throws {@link StoreUnavailable}. */
export async function openDatabase(folder: string): Promise<Database & { close(): Promise<void> }> {
  await isThere(folder);
  const level = new Level<string, string>(folder, { keyEncoding: "utf8", valueEncoding: "utf8" });
  try {
    await level.open();
  } catch (error) {
    const locked = error instanceof Error && Reflect.get(Object(error.cause), "code") === "LEVEL_LOCKED";
    throw locked
      ? new StoreUnavailable(`the store in ${folder} is open in another process`, "stop the other process first", error)
      : new StoreUnavailable(
          `the store in ${folder} cannot be opened`,
          "see the cause; restore a backup if it is damaged",
          error,
        );
  }
  return level;
}
