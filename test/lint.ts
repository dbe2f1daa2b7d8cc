import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { biome } from "./lint/biome.ts";

/** `npm run check`: format, lint and import rules by Biome, and the length of files. */

const root = join(import.meta.dirname, "..");
const longest = 400;

const tooLong = globSync("{src,test,demo}/**/*.ts", { cwd: root }).flatMap((file) => {
  const lines = readFileSync(join(root, file), "utf8").split("\n").length - 1;
  return lines > longest ? [`${file} has ${lines} lines; at most ${longest}: it may hold more than one concept`] : [];
});
for (const message of tooLong) console.error(message);

if (biome === undefined) {
  console.warn(
    `Lint, format and import rules are skipped: no Biome is installed for ${process.platform} on ${process.arch}.`,
  );
} else {
  const { status } = spawnSync(biome, ["check", "--error-on-warnings", "."], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
if (tooLong.length > 0) process.exitCode = 1;
