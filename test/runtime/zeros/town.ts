import { randomBytes } from "node:crypto";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { actorId } from "../../../src/runtime/actor-id.ts";
import { keys } from "../../../src/runtime/embedded/keys.ts";
import { openStore } from "../../../src/runtime/embedded/open.ts";
import { put } from "../../../src/runtime/embedded/store.ts";
import { recordOf } from "../../actors/agent-record.ts";

export const actors = 200;
const page = 4_096;

/** A store with several tables, which take a few pages each. */
export async function fillStore(dataFolder: string): Promise<void> {
  for (let life = 0; life < 2; life++) {
    const { store, close } = await openStore(join(dataFolder, "store"), () => undefined);
    for (let n = 0; n < actors / 2; n++) {
      const id = actorId("town", "person", `${life} ${n}`);
      const context = { said: randomBytes(400).toString("hex") };
      await store.commit([put(keys.record(id), recordOf({ id, machine: "person", context }))]);
    }
    await close();
  }
  const { close } = await openStore(join(dataFolder, "store"), () => undefined);
  await close();
}

/** One page of a table is zeros. */
export async function losePage(dataFolder: string, table: number, n: number): Promise<void> {
  const folder = join(dataFolder, "store");
  const tables = (await readdir(folder)).filter((name) => name.endsWith(".ldb")).toSorted();
  const file = await open(join(folder, tables[table % tables.length] ?? ""), "r+");
  const { size } = await file.stat();
  const at = page * (n % Math.floor(size / page));
  await file.write(Buffer.alloc(page), 0, page, at);
  await file.close();
}
