import { setTimeout as sleep } from "node:timers/promises";
import type { Restartable } from "../test/servers/restartable.ts";

const checkEveryMs = 500;

export interface Kept {
  readonly name: string;
  readonly server: Restartable;
}

/**
 * Starts servers again that have ended, so that one can kill them and see what happens. Runs until the signal is
 * aborted; rejects when a server cannot be started again.
 */
export async function keepRunning(
  servers: readonly Kept[],
  on: { ended(name: string): void; restarted(name: string, pid: number): void },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const { name, server } of servers) {
      if (isAlive(server.pid) || signal.aborted) continue;
      on.ended(name);
      await server.restart();
      on.restarted(name, server.pid);
    }
    await sleep(checkEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
