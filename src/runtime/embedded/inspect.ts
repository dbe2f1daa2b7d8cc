import { type ActorRecord, parseRecord } from "../record.ts";
import { actorOfKey, boundsOf, ranges } from "./keys.ts";
import { isThere, openDatabase } from "./open.ts";
import { readIdentity } from "./store/identity.ts";
import { cannotRead } from "./store/unavailable.ts";

export interface StoreInspection {
  readonly records: readonly ActorRecord[];
  /** Keys of records that are not as this version writes them. */
  readonly unreadable: readonly string[];
}

/**
 * Reads all records of a store that nobody has open; `undefined` when there is none. Throws {@link StoreUnavailable}.
 */
export async function inspectStore(folder: string): Promise<StoreInspection | undefined> {
  if (!(await isThere(folder)) && (await readIdentity(folder)) === undefined) return undefined;
  const database = await openDatabase(folder, { create: false });
  const records: ActorRecord[] = [];
  const unreadable: string[] = [];
  try {
    for await (const [key, text] of database.iterator(boundsOf(ranges.record))) {
      try {
        records.push(parseRecord(text));
      } catch {
        unreadable.push(actorOfKey(key));
      }
    }
  } catch (error) {
    throw cannotRead(folder, error);
  } finally {
    await database.close();
  }
  return { records, unreadable };
}
