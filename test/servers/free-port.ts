import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/** Below every usual system's range for outgoing connections. */
const lowest = 15_000;
const highest = 32_000;
const attempts = 50;

/**
 * A TCP port on 127.0.0.1 that nothing listens on, and that no other process which asks here is given as long as this
 * one lives: what is to listen on it may take its time to start.
 *
 * Not taken from the system's own range for outgoing connections: a client that keeps trying a dead server's port from
 * that range can be given the very same port as its own end, and then talks to itself or blocks the server's restart.
 */
export async function freePort(from = lowest, below = highest): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = randomInt(from, below);
    if ((await claim(port)) && (await isFree(port))) return port;
  }
  throw new Error(`no free port found from ${from} to ${below - 1} in ${attempts} attempts: stop what occupies them`);
}

/** The claim is the UDP port of the same number: nothing here speaks UDP, and the system drops it with the process. */
function claim(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4").unref();
    socket.once("error", (error: NodeJS.ErrnoException) => {
      socket.close();
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(false);
      else reject(error);
    });
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => resolve(true));
  });
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
