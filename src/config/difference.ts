import { isDeepStrictEqual } from "node:util";
import { type Key, keysOf } from "./key.ts";
import type { Settings } from "./load.ts";
import { configFile } from "./schema.ts";
import { valueAt } from "./tree.ts";

/** What stands differently in two configurations. Names keys only: a value may be a secret. */
export interface Difference {
  /** Keys whose change the running process can take over. */
  readonly live: readonly string[];
  /** Keys whose change it cannot take over, each with the reason. */
  readonly restart: readonly { readonly key: string; readonly why: string }[];
}

/** What changes from one configuration to the next, in what it says or in the files that it names. */
export function difference(before: Settings, after: Settings): Difference {
  const changed = keysOf(configFile).filter((key) => key.kind !== "section" && differs(key, before, after));
  return {
    live: changed.filter(({ reload }) => reload?.kind === "live").map(nameOf),
    restart: changed.flatMap((key) =>
      key.reload?.kind === "live" ? [] : [{ key: nameOf(key), why: key.reload?.why ?? "nothing says that it can" }],
    ),
  };
}

function differs(key: Key, before: Settings, after: Settings): boolean {
  const said = ({ file }: Settings): unknown => valueAt(file, key.path);
  const held = ({ contents }: Settings): string | undefined => contents.get(nameOf(key));
  return !isDeepStrictEqual(said(before), said(after)) || held(before) !== held(after);
}

function nameOf({ path }: Key): string {
  return path.join(".");
}
