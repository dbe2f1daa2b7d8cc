import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

// Restores or repairs a data folder, and is cut off, or fails, when it is about to rename something for the nth time.

const [what = "", how = "", nth = "", dataFolder = "", file = ""] = process.argv.slice(2);
const { rename } = fs;
let renames = 0;
fs.rename = async (from, to) => {
  if (++renames === Number(nth)) {
    if (how === "kill") process.kill(process.pid, "SIGKILL");
    throw Object.assign(new Error("EIO: i/o error, rename"), { code: "EIO", errno: -5, syscall: "rename" });
  }
  await rename(from, to);
};
syncBuiltinESMExports();

const { restoreStore } = await import("../../../../src/runtime/backup/restore.ts");
const { repairStore } = await import("../../../../src/runtime/backup/repair.ts");
try {
  await (what === "restore" ? restoreStore(dataFolder, file, { replace: true }) : repairStore(dataFolder));
  process.stdout.write(JSON.stringify({ renames }));
} catch (error) {
  const { name, kind, message, remedy } = Object(error);
  process.stdout.write(JSON.stringify({ name, kind, message, remedy }));
}
