import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { z } from "zod";

export interface ScaledLetta {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const ready = z.object({ url: z.string() });

/** A Letta with so many agents, in a process of its own: what it takes is not the program's. */
export async function startScaledLetta(toolFolder: string, agents: number): Promise<ScaledLetta> {
  await mkdir(toolFolder, { recursive: true });
  const entry = new URL("../servers/letta-stand-in-process.ts", import.meta.url);
  const child = fork(entry, [JSON.stringify({ agents, toolFolder })], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const ended = once(child, "exit");
  const [message] = await Promise.race([
    once(child, "message"),
    ended.then(([code]) => Promise.reject(new Error(`the stand-in of Letta ended with ${code}`))),
  ]);
  return {
    url: ready.parse(message).url,
    pid: child.pid ?? 0,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
