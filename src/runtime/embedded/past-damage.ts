import { RowDamaged } from "./store/seal.ts";
import type { Store } from "./store.ts";

/** All rows of a range, by key; in place of the value of one that is damaged comes the error, and then those behind it. */
export async function* scanPastDamage(
  store: Pick<Store, "scan">,
  prefix: string,
): AsyncIterable<readonly [key: string, value: string | RowDamaged]> {
  let after: string | undefined;
  for (;;)
    try {
      return yield* store.scan(prefix, after);
    } catch (error) {
      if (!(error instanceof RowDamaged)) throw error;
      yield [error.key, error];
      after = error.key;
    }
}

/** What is shown of a range: a row that cannot be read hides none of the others, and `instead` stands for it. */
export async function readPastDamage<T>(
  store: Pick<Store, "scan">,
  prefix: string,
  parse: (text: string) => T,
  instead: (key: string, error: Error) => T,
): Promise<T[]> {
  const read: T[] = [];
  for await (const [key, value] of scanPastDamage(store, prefix))
    try {
      read.push(typeof value === "string" ? parse(value) : instead(key, value));
    } catch (cause) {
      read.push(instead(key, new Error(`the row ${key} of the store cannot be read`, { cause })));
    }
  return read;
}
