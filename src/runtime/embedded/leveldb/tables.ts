import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Malformed } from "./cursor.ts";
import { tablesOf } from "./manifest.ts";
import { assertTable } from "./table.ts";

export interface TableFile {
  readonly path: string;
  readonly number: number;
  readonly bytes: Buffer;
}

/** The tables that are there, of the store or left over. */
export async function* tableFiles(folder: string): AsyncGenerator<TableFile> {
  for (const name of await readdir(folder)) {
    if (!/^\d+\.(ldb|sst)$/.test(name)) continue;
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
export function damageOf({ bytes }: TableFile): Malformed | undefined {
  try {
    assertTable(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof Malformed) return error;
    throw error;
  }
}

/**
 * The first table of the store that is not what was written there. LevelDB does not look at checksums: where a part of a
 * table is zeros, as after a loss of power, it ends the process, and by a damaged filter it takes rows for missing.
 * `undefined` also where it cannot be told which are the store's: LevelDB refuses that itself.
 */
export async function damagedTable(folder: string): Promise<DamagedTable | undefined> {
  const live = await liveTables(folder);
  if (live === undefined) return undefined;
  for await (const file of tableFiles(folder)) {
    const cause = live.has(file.number) ? damageOf(file) : undefined;
    if (cause !== undefined) return { path: file.path, cause };
  }
  return undefined;
}

interface DamagedTable {
  readonly path: string;
  readonly cause: Malformed;
}

/** The numbers of the tables that are of the store; `undefined` where that cannot be told. */
export async function liveTables(folder: string): Promise<ReadonlySet<number> | undefined> {
  try {
    const current = await readFile(join(folder, "CURRENT"), "utf8");
    return tablesOf(await readFile(join(folder, current.trim())));
  } catch {
    return undefined;
  }
}
