import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const project = join(import.meta.dirname, "..", "..");

function runFixture(name: string) {
  const { stdout, status } = spawnSync(
    process.execPath,
    [
      join(project, "node_modules", "vitest", "vitest.mjs"),
      "run",
      `--root=${join(import.meta.dirname, "fixtures")}`,
      `${name}.ts`,
    ],
    { cwd: project, encoding: "utf8", env: { ...process.env, VITEST: undefined, NO_COLOR: "1" } },
  );
  return { last: stdout.trimEnd().split("\n").at(-1), status };
}

test.each([
  ["passes", "2 passed, 0 failed", 0],
  ["fails", "0 passed, 1 failed", 1],
  ["cannot-be-imported", "0 passed, 1 failed", 1],
  ["hook-throws", "0 passed, 1 failed", 1],
  ["rejects-late", "1 passed, 1 failed", 1],
  ["there-is-none-of-this-name", "0 passed, 1 failed", 1],
])("the last line tells about a file that is: %s", { timeout: 30_000 }, (name, last, status) => {
  expect(runFixture(name)).toEqual({ last, status });
});
