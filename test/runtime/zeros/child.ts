import { cp } from "node:fs/promises";
import { join } from "node:path";
import { inspectFolder } from "../../../src/runtime/backup/inspect.ts";
import { repairStore } from "../../../src/runtime/backup/repair.ts";
import { openStore } from "../../../src/runtime/embedded/open.ts";
import { actors, fillStore, losePage } from "./town.ts";

// Has a page of a store's tables come back as zeros, one after the other, and prints what comes of opening and repairing it.

const [folder = ""] = process.argv.slice(2);
await fillStore(join(folder, "whole"));

async function openedAs(dataFolder: string): Promise<unknown> {
  try {
    const { close } = await openStore(join(dataFolder, "store"), () => undefined);
    await close();
    return "opened";
  } catch (error) {
    return Reflect.get(Object(error), "kind");
  }
}

const rounds: unknown[] = [];
for (let round = 0; round < 12; round++) {
  const dataFolder = join(folder, `${round}`);
  await cp(join(folder, "whole"), dataFolder, { recursive: true });
  await losePage(dataFolder, round, Math.floor(round / 2));
  const opened = await openedAs(dataFolder);
  const { damage } = await inspectFolder(join(dataFolder, "store"));
  const repaired = await repairStore(dataFolder);
  rounds.push({
    opened,
    inspected: damage.length > 0,
    repaired: repaired?.records,
    reopened: await openedAs(dataFolder),
  });
}
process.stdout.write(JSON.stringify({ rounds, actors }));
