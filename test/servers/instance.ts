import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { freePort, isFree } from "./free-port.ts";

/**
 * What was chosen when a server first ran in this folder, or `create`'s choice, written down. Only the port changes
 * later: when somebody else has taken it.
 */
export async function loadInstance<T extends { readonly port: number }>(
  dir: string,
  schema: z.ZodType<T>,
  create: (port: number) => T,
): Promise<T> {
  await mkdir(dir, { recursive: true });
  const file = join(dir, "instance.json");
  const stored = await readFile(file, "utf8").catch(() => undefined);
  const known = stored === undefined ? undefined : schema.parse(JSON.parse(stored));
  if (known !== undefined && (await isFree(known.port))) return known;
  const port = await freePort();
  const instance = known === undefined ? create(port) : { ...known, port };
  await writeFile(`${file}.new`, JSON.stringify(instance, undefined, 2), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return instance;
}
