import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { errorCode } from "../error-code.ts";

/** The control socket cannot be opened where it should be. */
export class SocketUnavailable extends Error {
  override readonly name = "SocketUnavailable";
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.remedy = remedy;
  }
}

/** Where a process listens, by its data folder. */
export function controlSocketIn(dataFolder: string): string {
  return join(dataFolder, "control.sock");
}

/** What `sun_path` holds, less its closing zero. */
const longestPath = process.platform === "linux" ? 107 : 103;

/** Unix cuts longer socket paths off, silently on some systems. Throws {@link SocketUnavailable}. */
export function assertSocketPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length <= longestPath) return;
  throw new SocketUnavailable(
    `the path of the control socket has ${length} bytes, and sockets take ${longestPath}: ${path}`,
    "Choose a data_folder with a shorter path.",
  );
}

/**
 * Removes the socket of a process that is gone. Throws {@link SocketUnavailable} when somebody answers there, or when
 * it is no socket. Whoever calls it holds the data folder's lock: two callers at once could remove each other's socket.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  if (await isStale(path)) await unlink(path);
}

/** Throws {@link SocketUnavailable} when the socket could not be opened there. */
export async function assertSocketFree(path: string): Promise<void> {
  assertSocketPath(path);
  await isStale(path);
}

/** Whether a process that is gone has left its socket there. */
async function isStale(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return false;
  if (!found.isSocket()) throw inTheWay(path);
  if (await answers(path)) throw taken(path);
  return true;
}

function inTheWay(path: string): SocketUnavailable {
  return new SocketUnavailable(`${path} is in the way: it is not a socket`, "Move it away and start again.");
}

function taken(path: string): SocketUnavailable {
  return new SocketUnavailable(
    `another process listens at ${path}`,
    "Stop it first, or give this one a data_folder of its own.",
  );
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => {
      const code = errorCode(error);
      if (code === "ECONNREFUSED" || code === "ENOENT") resolve(false);
      else reject(new SocketUnavailable(`${path} cannot be looked at (${code})`, "Check who owns it.", error));
    });
  });
}
