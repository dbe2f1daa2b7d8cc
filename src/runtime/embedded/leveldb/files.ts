import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Malformed } from "./cursor.ts";
import { assertLog } from "./log.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { assertTable } from "./table.ts";

export interface StoreFile {
  readonly path: string;
  readonly number: number;
  readonly bytes: Buffer;
}

/** The tables that are there, of the store or left over. */
export function tableFiles(folder: string): AsyncGenerator<StoreFile> {
  return filesIn(folder, /^\d+\.(ldb|sst)$/);
}

async function* filesIn(folder: string, pattern: RegExp): AsyncGenerator<StoreFile> {
  for (const name of await readdir(folder)) {
    if (!pattern.test(name)) continue;
    const path = join(folder, name);
    const bytes = await readFile(path).catch((error: unknown) => {
      // Whoever has the store open has merged it with another meanwhile.
      if (Reflect.get(Object(error), "code") === "ENOENT") return undefined;
      throw error;
    });
    if (bytes !== undefined) yield { path, number: Number.parseInt(name, 10), bytes };
  }
}

/** Why the table is not what was written there; `undefined` when it is. */
export function damageOfTable({ bytes }: StoreFile): Malformed | undefined {
  return damageBy(() => assertTable(bytes));
}

function damageBy(assert: () => void): Malformed | undefined {
  try {
    assert();
    return undefined;
  } catch (error) {
    if (error instanceof Malformed) return error;
    throw error;
  }
}

export interface DamagedFile {
  readonly path: string;
  readonly cause: Malformed;
}

/**
 * The first file of the store that is not what was written there, as far as LevelDB would not say so. It does not look at the
 * checksums of tables: where a part of one is zeros, as after a loss of power, it ends the process, and by a damaged filter
 * it takes rows for missing. In a log it passes over what is damaged. `undefined` also where it cannot be told which files
 * are the store's: LevelDB refuses that itself.
 */
export async function damagedFile(folder: string): Promise<DamagedFile | undefined> {
  const manifest = await manifestIn(folder);
  if (manifest === undefined) return undefined;
  for await (const file of tableFiles(folder)) {
    const cause = manifest.tables.has(file.number) ? damageOfTable(file) : undefined;
    if (cause !== undefined) return { path: file.path, cause };
  }
  for await (const { path, number, bytes } of filesIn(folder, /^\d+\.log$/)) {
    const cause = number >= manifest.log ? damageBy(() => assertLog(bytes)) : undefined;
    if (cause !== undefined) return { path, cause };
  }
  return undefined;
}

/** What the store is made of; `undefined` where that cannot be told. */
export async function manifestIn(folder: string): Promise<Manifest | undefined> {
  try {
    const current = await readFile(join(folder, "CURRENT"), "utf8");
    return parseManifest(await readFile(join(folder, current.trim())));
  } catch {
    return undefined;
  }
}
