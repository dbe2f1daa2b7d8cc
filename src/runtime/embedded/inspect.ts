import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type ActorRecord, parseRecord } from "../record.ts";
import { actorOfKey, rangeOf, recordPrefix } from "./keys.ts";
import { openDatabase, StoreUnavailable } from "./open.ts";

export interface StoreInspection {
  readonly records: readonly ActorRecord[];
  /** Keys of records that are not as this version writes them. */
  readonly unreadable: readonly string[];
}

/**
 * Reads all records of a store that nobody has open; `undefined` when there is none. Throws {@link StoreUnavailable}.
 */
export async function inspectStore(folder: string): Promise<StoreInspection | undefined> {
  const files: readonly string[] = await readdir(folder).catch((error: unknown): readonly string[] => {
    if (Reflect.get(Object(error), "code") === "ENOENT") return [];
    throw damaged(folder, error);
  });
  if (!files.includes("CURRENT")) {
    // LevelDB would take it for a new one and begin it anew.
    if (files.some((file) => /\.(ldb|sst)$|^MANIFEST-/.test(file))) throw damaged(join(folder, "CURRENT"), "missing");
    return undefined;
  }
  const database = await openDatabase(folder);
  const records: ActorRecord[] = [];
  const unreadable: string[] = [];
  try {
    for await (const [key, text] of database.iterator(rangeOf(recordPrefix))) {
      try {
        records.push(parseRecord(text));
      } catch {
        unreadable.push(actorOfKey(key));
      }
    }
  } catch (error) {
    throw damaged(folder, error);
  } finally {
    await database.close();
  }
  return { records, unreadable };
}

function damaged(what: string, cause: unknown): StoreUnavailable {
  return new StoreUnavailable(`the store is damaged at ${what}`, "Restore the data folder from a backup.", cause);
}
