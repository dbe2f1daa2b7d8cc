import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { type Status, status as statusSchema } from "../../src/commands/status/schema.ts";

export const main = resolve(import.meta.dirname, "../../src/cli/main.ts");

export interface CommandOutcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Carries out a command of the program in a process of its own. */
export async function runCommand(configFile: string, args: readonly string[]): Promise<CommandOutcome> {
  const child = spawn(process.execPath, [main, ...args, "--config", configFile], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "" },
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, out, err };
}

export async function readStatus(configFile: string): Promise<Status> {
  const { code, out, err } = await runCommand(configFile, ["status", "--json"]);
  if (code !== 0) throw new Error(`letta-matrix status ended with ${code}: ${err}`);
  return statusSchema.parse(JSON.parse(out));
}
