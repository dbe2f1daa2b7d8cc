import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { type Clock, systemClock } from "../clock.ts";
import { errorCode } from "../error-code.ts";
import { ranges } from "./keys.ts";
import { damagedFile } from "./leveldb/files.ts";
import {
  HighWaterMark,
  type Identity,
  identityFileOf,
  newIdentity,
  readIdentity,
  storeFormat,
  writeIdentity,
} from "./store/identity.ts";
import { seal } from "./store/seal.ts";
import { assertWhole, type Head, headOf, headRow, SealedDatabase } from "./store/sealed-database.ts";
import { cannotRead, damaged, refused, StoreUnavailable } from "./store/unavailable.ts";
import { Store, type StoreFailed, Vault } from "./store.ts";

export interface OpenStore {
  readonly store: Store;
  readonly vault: Vault;
  /** When it was made, came out of a backup, or was repaired, ms since the epoch. */
  readonly madeAt: number;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Whether one is made where there is none. */
  readonly create?: boolean;
  /** The real one when left out. */
  readonly clock?: Pick<Clock, "now" | "schedule">;
}

/** Opens the store in `folder`. Throws {@link StoreUnavailable}. */
export async function openStore(
  folder: string,
  onFailure: (error: StoreFailed) => void,
  options: OpenOptions = {},
): Promise<OpenStore> {
  const database = await openDatabase(folder, options);
  const store = new Store(database, onFailure);
  return {
    store,
    vault: new Vault(store),
    madeAt: database.madeAt,
    async close() {
      await store.flush().catch(() => undefined);
      await database.close();
    },
  };
}

/**
 * Opens the database below a store, and refuses one that is not whole: LevelDB itself opens one whose log or `CURRENT`
 * is lost as if it were all there is. Throws {@link StoreUnavailable}.
 */
export async function openDatabase(
  folder: string,
  { create = true, clock = systemClock }: OpenOptions = {},
): Promise<SealedDatabase> {
  const known = await readIdentity(folder);
  const there = await isThere(folder);
  if (known !== undefined) assertReadable(known.format);
  if (known !== undefined && !there)
    throw damaged(`there is none in ${folder}, though ${identityFileOf(folder)} tells of one`);
  if (!there && !create) throw absent(folder);
  if (!create) await assertOwned(folder);
  const level = await openLevel(folder, { create: !there });
  try {
    const identity = known ?? (await begin(level, folder, { create, clock }));
    const head = headOrNothing(level);
    assertSame(head, identity, folder);
    if (known !== undefined && head.sequence < known.sequence)
      throw damaged(`the last ${known.sequence - head.sequence} of its ${known.sequence} commits are lost`);
    await assertWhole(level, head);
    const mark = await HighWaterMark.open(folder, (delay, run) => clock.schedule(delay, run));
    return new SealedDatabase(level, { ...head, identity, mark });
  } catch (error) {
    await level.close();
    throw error instanceof StoreUnavailable ? error : cannotRead(folder, error);
  }
}

/** LevelDB itself, as it is. Throws {@link StoreUnavailable}. */
export async function openLevel(folder: string, { create }: { create: boolean }): Promise<Level<string, string>> {
  if (!create) await assertFiles(folder);
  const level = new Level<string, string>(folder, { keyEncoding: "utf8", valueEncoding: "utf8" });
  try {
    await level.open({ createIfMissing: create });
    return level;
  } catch (error) {
    const code = errorCode(Object(error).cause);
    if (code === "LEVEL_LOCKED")
      throw new StoreUnavailable(
        "taken",
        `the store in ${folder} is open in another process`,
        "stop the other process first",
        error,
      );
    if (code === "LEVEL_CORRUPTION") throw damaged(`${folder} cannot be opened`, error);
    throw refused(`the store in ${folder} cannot be opened`, error);
  }
}

/** Throws {@link StoreUnavailable} for what LevelDB would not notice, or not bear. */
async function assertFiles(folder: string): Promise<void> {
  const file = await damagedFile(folder).catch((error: unknown) => {
    throw cannotRead(folder, error);
  });
  if (file !== undefined) throw damaged(`${file.path}, of which a part is not what was written there`, file.cause);
}

/** Whether there is a database. Throws {@link StoreUnavailable} when there is only a part of one. */
export async function isThere(folder: string): Promise<boolean> {
  const files: readonly string[] = await readdir(folder).catch((error: unknown): readonly string[] => {
    if (errorCode(error) === "ENOENT") return [];
    throw cannotRead(folder, error);
  });
  if (files.includes("CURRENT")) {
    const current = await readFile(join(folder, "CURRENT"), "utf8").catch((error: unknown) => {
      throw cannotRead(join(folder, "CURRENT"), error);
    });
    const manifest = current.trim();
    if (!files.includes(manifest)) throw damaged(`${join(folder, "CURRENT")}, which names no file that is there`);
    return true;
  }
  // LevelDB would take it for none, begin another, and delete what is there. One whose making was cut off is none: it
  // has its first manifest only.
  if (files.some((file) => /\.(ldb|sst)$|^MANIFEST-(?!0*1$)/.test(file)))
    throw damaged(`${join(folder, "CURRENT")}, which is gone`);
  return false;
}

function absent(folder: string): StoreUnavailable {
  return new StoreUnavailable(
    "absent",
    `there is no store in ${folder}`,
    "Start the program, or name the data folder that it ran with.",
  );
}

/** LevelDB makes files that the user who runs the program could not write, when somebody else opens it. */
async function assertOwned(folder: string): Promise<void> {
  const { uid } = await stat(join(folder, "CURRENT"));
  if (process.getuid !== undefined && uid !== process.getuid())
    throw new StoreUnavailable(
      "taken",
      `the store in ${folder} belongs to another user`,
      "Run this command as the user who runs the program.",
    );
}

/** Gives a store without an identity one: when it has just been made, or was made before stores had any. */
async function begin(
  level: Level<string, string>,
  folder: string,
  { create, clock }: Required<OpenOptions>,
): Promise<Identity> {
  const head = headOrNothing(level);
  // One whose making was cut off has its first batch and no identity yet. Any later one had it once.
  if (head !== undefined && head.sequence > 1) throw damaged(`${identityFileOf(folder)} is gone`);
  if (!create)
    throw new StoreUnavailable(
      "foreign",
      `the store in ${folder} was made by an earlier version`,
      "Start the program once: it takes the store over.",
    );
  const identity = newIdentity(clock.now());
  const sequence = 1;
  const rows = head === undefined ? await level.iterator().all() : [];
  const records = head?.records ?? rows.filter(([key]) => key.startsWith(ranges.record)).length;
  const sealed = rows.map(([key, value]) => ({ type: "put" as const, key, value: seal(key, { value, sequence }) }));
  try {
    await level.batch([...sealed, headRow(identity, { sequence, records })], { sync: true });
    await writeIdentity(folder, identity, sequence);
  } catch (error) {
    throw refused(`the store in ${folder} cannot be begun`, error);
  }
  return identity;
}

function headOrNothing(level: Level<string, string>): Head | undefined {
  try {
    return headOf(level);
  } catch (error) {
    throw damaged("what it says of itself is not what was written", error);
  }
}

function assertSame(head: Head | undefined, { id, epoch }: Identity, folder: string): asserts head is Head {
  if (head === undefined) throw damaged("nothing is left of what was written");
  assertReadable(head.format);
  if (head.store !== id || head.epoch !== epoch)
    throw damaged(`${folder} and ${identityFileOf(folder)} are not of the same store`);
}

function assertReadable(format: number): void {
  if (format > storeFormat)
    throw new StoreUnavailable(
      "foreign",
      `the store has format ${format}, this version knows formats up to ${storeFormat}`,
      "Run the newer version that wrote it.",
    );
}
