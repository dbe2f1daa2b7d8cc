import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLastKnown } from "../../src/app.ts";
import { exitCode } from "../../src/cli/exit-code.ts";
import { runCli } from "../../src/cli/program.ts";
import { chartFormats } from "../../src/commands/chart/render.ts";
import { cliEnvironment } from "./cli-environment.ts";
import { printing } from "./printed.ts";

const execute = promisify(execFile);

async function cli(...args: readonly string[]) {
  const { printed, console } = printing();
  const environment = cliEnvironment({ console });
  const code = await runCli(args, { ...environment, looking: { ...environment.looking, openLastKnown } });
  return { code, out: printed.out };
}

describe("completion", () => {
  let folder: string;
  const scriptOf = (shell: string): string => join(folder, shell);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "completion-"));
    for (const shell of ["bash", "zsh", "fish"]) await writeFile(scriptOf(shell), (await cli("completion", shell)).out);
  });

  afterAll(() => rm(folder, { recursive: true }));

  /** What bash offers for the last word. */
  async function offered(...words: readonly string[]): Promise<string[]> {
    const typed = ["letta-matrix", ...words];
    const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _letta_matrix; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await execute("bash", ["--norc", "-c", ask, "bash", scriptOf("bash"), ...typed]);
    return stdout.split("\n").filter(Boolean);
  }

  test("offers the commands, and what begins like what was typed", async () => {
    expect(await offered("")).toEqual(expect.arrayContaining(["run", "status", "agents", "init", "completion"]));
    expect(await offered("ag")).toEqual(["agents", "agent"]);
  });

  test("offers a command's own commands, arguments and options", async () => {
    expect(await offered("discovery", "r")).toEqual(["run"]);
    expect(await offered("discovery", "run", "--j")).toEqual(["--json"]);
    expect(await offered("messages", "se")).toEqual(["search", "send"]);
    expect(await offered("files", "g")).toEqual(["get"]);
    expect(await offered("chart", "conv")).toEqual(["conversation"]);
    expect(await offered("status", "--wa")).toEqual(["--watch"]);
    expect(await offered("run", "--wa")).toEqual([]);
  });

  test("offers what an option can be, and leaves files to the shell", async () => {
    expect(await offered("chart", "agent", "--format", "")).toEqual([...chartFormats]);
    expect(await offered("status", "--config", "")).toEqual([]);
  });

  test("takes the value of an option for no command", async () => {
    expect(await offered("status", "--config", "run", "--wa")).toEqual(["--watch"]);
  });

  test.each(["bash", "zsh", "fish"])("of %s knows each command and each option", async (shell) => {
    const { code, out } = await cli("completion", shell);
    expect(code).toBe(exitCode.ok);
    for (const word of ["init", "discovery", "rooms", "completion", "last-known", "shared-secret-file", "dry-run"])
      expect(out).toContain(word);
  });

  test.each(["bash", "zsh", "fish"].filter((shell) => spawnSync(shell, ["--version"]).status === 0))(
    "is a script that %s can read",
    async (shell) => {
      expect(await execute(shell, ["-n", scriptOf(shell)])).toEqual({ stdout: "", stderr: "" });
    },
  );

  test("of another shell is not made up", async () => {
    expect((await cli("completion", "tcsh")).code).toBe(exitCode.usage);
  });
});

test.each(["init", "run", "status", "agents", "agent", "rooms", "adopt", "chart", "completion"])(
  "the help of %s shows how it is used",
  async (command) => {
    expect((await cli(command, "--help")).out).toMatch(/Examples:\n {2}\S*.*letta-matrix/);
  },
);
