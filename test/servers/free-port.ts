import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below every usual system's range for outgoing connections. */
const lowest = 15_000;
const highest = 32_000;
const attempts = 50;

/**
 * A TCP port on 127.0.0.1 that nothing listens on.
 *
 * Not taken from the system's own range for outgoing connections: a client that keeps trying a dead server's port from
 * that range can be given the very same port as its own end, and then talks to itself or blocks the server's restart.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) return port;
  }
  throw new Error(
    `no free port found between ${lowest} and ${highest} in ${attempts} attempts: stop what occupies them`,
  );
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(false);
      else reject(error);
    });
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
