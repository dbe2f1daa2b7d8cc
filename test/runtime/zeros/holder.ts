import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { repairStore } from "../../../src/runtime/backup/repair.ts";
import { openStore } from "../../../src/runtime/embedded/open.ts";
import { fillStore, losePage } from "./town.ts";

// Repairs a store with a damaged table while another process has it open, and then once more.

const [dataFolder = "", task = ""] = process.argv.slice(2);

async function repairedAs(): Promise<unknown> {
  try {
    await repairStore(dataFolder);
    return "repaired";
  } catch (error) {
    return Reflect.get(Object(error), "kind");
  }
}

if (task === "hold") {
  await openStore(join(dataFolder, "store"), () => undefined);
  process.stdout.write("held");
  setInterval(() => undefined, 1_000);
} else if (task === "repair") process.stdout.write(JSON.stringify(await repairedAs()));
else {
  await fillStore(dataFolder);
  const holder = spawn(process.execPath, [import.meta.filename, dataFolder, "hold"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  await losePage(dataFolder, 0, 1);
  const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, dataFolder, "repair"]);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  process.stdout.write(JSON.stringify({ whileHeld: JSON.parse(stdout), afterwards: await repairedAs() }));
}
