import { randomBytes } from "node:crypto";
import { open, rm } from "node:fs/promises";

const chunk = 1024 * 1024;

/**
 * Sees whether the disk takes `bytes` more: writes and syncs them to a file of its own. Rejects with why it does not. The
 * file is nobody's from the beginning, so that its room is free again whatever becomes of this process.
 */
export async function assertRoom(file: string, bytes: number): Promise<void> {
  const probe = await open(file, "w", 0o600);
  try {
    await rm(file);
    // A file system may make little of what repeats itself.
    for (let left = bytes; left > 0; left -= chunk) await probe.writeFile(randomBytes(Math.min(chunk, left)));
    await probe.sync();
  } finally {
    await probe.close();
  }
}
