import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { WebSocket } from "ws";
import { z } from "zod";

/** What a process holds on to, read through Node's inspector right after a full garbage collection. */
export interface Reading {
  /** MB. */
  readonly heap: number;
  /** MB. */
  readonly rss: number;
  /** Open files and sockets, as /proc has them. */
  readonly fds: number;
  readonly timers: number;
}

const targets = z.tuple([z.object({ webSocketDebuggerUrl: z.string() })]);
const evaluated = z.object({ result: z.object({ result: z.object({ value: z.string() }) }) });
const reading = z.object({ pid: z.number(), heapUsed: z.number(), rss: z.number(), active: z.array(z.string()) });
const expression =
  "JSON.stringify({ pid: process.pid, ...process.memoryUsage(), active: process.getActiveResourcesInfo() })";
const megabyte = 1024 * 1024;

/** Reads the process whose inspector listens on the port. Throws when there is none. */
export async function readProcess(port: number): Promise<Reading> {
  return inspecting(port, async (socket) => {
    await call(socket, 1, "HeapProfiler.collectGarbage", {});
    const { pid, heapUsed, rss, active } = reading.parse(JSON.parse(await evaluate(socket, 2)));
    return {
      heap: heapUsed / megabyte,
      rss: rss / megabyte,
      fds: (await readdir(`/proc/${pid}/fd`)).length,
      timers: active.filter((what) => what === "Timeout").length,
    };
  });
}

/** Which process that is. */
export async function pidBehind(port: number): Promise<number> {
  return inspecting(port, async (socket) => reading.parse(JSON.parse(await evaluate(socket, 1))).pid);
}

async function inspecting<T>(port: number, work: (socket: WebSocket) => Promise<T>): Promise<T> {
  const found = await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(5_000) });
  const [{ webSocketDebuggerUrl }] = targets.parse(await found.json());
  const socket = new WebSocket(webSocketDebuggerUrl);
  try {
    await once(socket, "open");
    return await work(socket);
  } finally {
    socket.terminate();
  }
}

async function evaluate(socket: WebSocket, id: number): Promise<string> {
  const { result } = evaluated.parse(await call(socket, id, "Runtime.evaluate", { expression, returnByValue: true }));
  return result.result.value;
}

/** What the files of a folder take, MB. */
export async function sizeOf(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map(async (name) => {
    // LevelDB may have removed it meanwhile.
    const found = await stat(join(folder, name)).catch(() => undefined);
    return found?.size ?? 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / megabyte;
}

async function call(socket: WebSocket, id: number, method: string, params: object): Promise<unknown> {
  const signal = AbortSignal.timeout(20_000);
  socket.send(JSON.stringify({ id, method, params }));
  for (;;) {
    const [data] = await once(socket, "message", { signal });
    const answer: unknown = JSON.parse(String(data));
    if (z.object({ id: z.literal(id) }).safeParse(answer).success) return answer;
  }
}
