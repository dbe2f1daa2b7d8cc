import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** How `.ci/run` adds up its suites, with an npm in front that only says what it is told to. */

const script = join(import.meta.dirname, "..", "..", ".ci", "run");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ci-"));
  mkdirSync(join(folder, ".ci"));
  mkdirSync(join(folder, "bin"));
  cpSync(script, join(folder, ".ci", "run"));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Suites {
  readonly install?: string;
  readonly quick: string;
  readonly packaging: string;
  readonly contract: string;
  readonly crash?: string;
}

const one = 'echo "1 passed, 0 failed"';

function run({ install = "true", quick, packaging, contract, crash = one }: Suites, seed = "7") {
  const npm = join(folder, "bin", "npm");
  const cases = [
    `ci) ${install};;`,
    `"run servers") true;;`,
    `test) ${quick};;`,
    `"run test:slow") ${packaging};;`,
    `"run test:contract") ${contract};;`,
    `"run test:crash"*) ${crash};;`,
    `"run test:faults"*) ${one};;`,
    `"run test:laws"|"run test:rooms"|"run test:outages"|"run test:homes"|"run test:life"|"run test:limits:short"|"run test:patches"*|"run test:neighbours"|"run test:appservice"|"run test:programs") ${one};;`,
  ];
  writeFileSync(npm, `#!/bin/sh\ncase "$*" in\n${cases.join("\n")}\nesac\n`);
  chmodSync(npm, 0o755);
  const { stdout, status } = spawnSync(join(folder, ".ci", "run"), {
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}`, SEED: seed },
  });
  return { last: stdout.trimEnd().split("\n").at(-1), status, stdout };
}

const good = {
  quick: 'echo "5 passed, 0 failed"',
  packaging: 'echo "3 passed, 0 failed"',
  contract: 'echo "2 passed, 0 failed"',
};

describe(".ci/run", () => {
  test("adds up all suites in its last line", () => {
    expect(run(good)).toMatchObject({ last: "21 passed, 0 failed", status: 0 });
  });

  test("goes on after a failure, and ends with a status that says so", () => {
    const quick = 'echo "4 passed, 1 failed"; exit 1';
    expect(run({ ...good, quick })).toMatchObject({ last: "20 passed, 1 failed", status: 1 });
  });

  test.each([
    ["ran no test", 'echo "0 passed, 0 failed"', "19 passed, 1 failed"],
    ["did not get as far as counting", "exit 0", "19 passed, 1 failed"],
    ["failed although every test passed", 'echo "2 passed, 0 failed"; exit 1', "21 passed, 1 failed"],
  ])("counts a suite as failed that %s", (_, contract, last) => {
    expect(run({ ...good, contract })).toMatchObject({ last, status: 1 });
  });

  test("names at its end what has failed, and why", () => {
    const quick =
      "printf '\\033[31m FAIL \\033[39m a thing > works\\nAssertionError: it does not\\n4 passed, 1 failed\\n'; exit 1";
    const atTheEnd = run({ ...good, quick }).stdout.split("=== failed\n")[1];
    expect(atTheEnd).toContain("quick:\n FAIL  a thing > works\nAssertionError: it does not\n");
  });

  test("reads coloured lines too", () => {
    expect(run({ ...good, quick: "printf '\\033[32m5 passed, 0 failed\\033[0m\\n'" }).last).toBe("21 passed, 0 failed");
  });

  test("runs nothing when the dependencies cannot be installed", () => {
    expect(run({ ...good, install: "exit 1" })).toMatchObject({ last: "0 passed, 1 failed", status: 1 });
  });

  test.each([
    ["6", ["life"]],
    ["7", ["homes", "packaging"]],
  ])("gives a suite what those before it have left of their time; all together have an hour, seed %s", (seed, last) => {
    const { stdout } = run(good, seed);
    const limits = [...stdout.matchAll(/^=== (\w+) \(at most (\d+) s\)/gm)].map(([, name, most]) => `${name} ${most}`);
    expect(limits[0]).toBe("quick 460");
    expect(limits).toContain("laws 340");
    expect(limits.slice(-last.length).map((limit) => limit.split(" ")[0])).toEqual(last);
    const taken = [...stdout.matchAll(/^\w+ took \d+ s of (\d+)$/gm)].map(([, share]) => Number(share));
    expect(taken).toHaveLength(limits.length);
    expect(taken.reduce((sum, share) => sum + share)).toBeLessThanOrEqual(3600);
  });

  test("hands the seed on, and prints it", () => {
    const { stdout } = run({ ...good, crash: `echo "args: $*"; ${one}` });
    expect(stdout).toContain("args: run test:crash -- --seed 7 --seconds 600 --least 150");
    expect(stdout).toContain("\nseed 7\n");
  });
});
