import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What may become of a store's files; each leaves less than was there. */
export const losses: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  "whose log is garbage": async (folder) => {
    for (const file of await filesOf(folder, /\.log$/)) await writeFile(file, "garbage");
  },
  "whose log has lost its end": async (folder) => {
    for (const file of await filesOf(folder, /\.log$/)) await truncate(file, (await readFile(file)).length - 10);
  },
  "whose CURRENT is gone": (folder) => rm(join(folder, "CURRENT")),
  "whose manifest is gone": async (folder) => {
    for (const file of await filesOf(folder, /^MANIFEST/)) await rm(file);
  },
  "one of whose tables is gone": async (folder) => {
    const [table = ""] = await filesOf(folder, /\.ldb$/);
    await rm(table);
  },
  "whose identity is gone": (folder) => rm(`${folder}.identity`),
  "whose identity is garbage": (folder) => writeFile(`${folder}.identity`, "{}\n{}\n"),
};

/** The files of a store, by their names. */
export async function filesOf(folder: string, pattern: RegExp): Promise<string[]> {
  return (await readdir(folder)).filter((file) => pattern.test(file)).map((file) => join(folder, file));
}
