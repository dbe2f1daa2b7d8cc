import type { Level } from "level";
import { ranges } from "../embedded/keys.ts";
import { unseal } from "../embedded/store/seal.ts";

/** A row of a store that may be damaged; without a value where it is not what was written there. */
export interface RawRow {
  readonly key: string;
  readonly value?: string;
}

/** All rows that LevelDB still gives, less what it says of itself. Throws what LevelDB throws where it cannot go on. */
export async function* rawRows(level: Level<string, string>): AsyncGenerator<RawRow> {
  for await (const [key, sealed] of level.iterator()) if (!key.startsWith(ranges.mark)) yield rawRow(key, sealed);
}

export function rawRow(key: string, sealed: string): RawRow {
  try {
    return { key, value: unseal(key, sealed).value };
  } catch {
    return { key };
  }
}
