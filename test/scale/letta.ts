import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { z } from "zod";
import type { KnownAgent } from "./copies.ts";

const ready = z.object({ url: z.string() });
const created = z.object({ agents: z.array(z.object({ id: z.string(), name: z.string() })) });

/** A Letta with any number of agents, in a process of its own: what it takes is not the program's. */
export class ScaledLetta {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  static async start(toolFolder: string): Promise<ScaledLetta> {
    await mkdir(toolFolder, { recursive: true });
    const entry = new URL("../servers/letta-stand-in-process.ts", import.meta.url);
    const child = fork(entry, [JSON.stringify({ toolFolder })], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    return new ScaledLetta(child, ready.parse(await next(child)).url);
  }

  /** So many more than there are. */
  async add(agents: number): Promise<readonly KnownAgent[]> {
    const answer = next(this.#process);
    this.#process.send({ agents });
    return created.parse(await answer).agents;
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    if (this.#process.exitCode !== null || !this.#process.kill()) return;
    await ended;
  }
}

async function next(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  const { signal } = over;
  try {
    const [message] = await Promise.race([
      once(child, "message", { signal }),
      once(child, "exit", { signal }).then(([code]) => {
        throw new Error(`the stand-in of Letta ended with ${code}`);
      }),
    ]);
    return message;
  } finally {
    over.abort();
  }
}
