import { execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { isFree } from "../servers/free-port.ts";
import { type RunningProcess, supervise } from "../servers/process.ts";

const project = resolve(import.meta.dirname, "..", "..");

export interface DemoProcess extends RunningProcess {
  /** What it has printed up to now. */
  output(): string;
  /** Resolves once it has printed the text; fails when it ends before. */
  printed(text: string): Promise<void>;
}

/** Runs the demo as `npm run demo` does, with no model but what `env` names. */
export async function startDemo(
  folder: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<DemoProcess> {
  const noModel = { ANTHROPIC_API_KEY: "", OPENAI_API_KEY: "", OPENAI_BASE_URL: "", DEMO_MODEL: "" };
  const child = spawn(process.execPath, ["demo/main.ts", "--data", folder, ...args], {
    cwd: project,
    env: { ...process.env, ...noModel, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let ended: string | undefined;
  const changed = new Set<() => void>();
  const announce = (): void => {
    for (const listener of changed) listener();
  };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      announce();
    });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const running = await supervise("the demo", child);
  // All output has been read only after "close".
  const exited = running.exited.then(async (how) => {
    await closed;
    ended = how;
    announce();
    return how;
  });
  return {
    ...running,
    exited,
    output: () => output,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (output.includes(text)) resolve();
          else if (ended !== undefined) reject(new Error(`ended without printing ${text} (${ended}):\n${output}`));
        };
        changed.add(check);
        check();
      }),
  };
}

const instance = z.object({ port: z.number() });

/** What still runs of a demo on this folder: processes that name it, and servers on its ports. */
export async function leftRunning(folder: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid,args"]);
  const left = stdout.split("\n").filter((line) => line.includes(folder));
  for (const server of ["synapse", "letta"]) {
    const { port } = instance.parse(JSON.parse(await readFile(join(folder, server, "instance.json"), "utf8")));
    if (!(await isFree(port))) left.push(`${server} on port ${port}`);
  }
  return left;
}
