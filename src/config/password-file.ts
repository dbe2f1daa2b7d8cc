import { open } from "node:fs/promises";
import { join } from "node:path";

/** The file (mode 0600) in which people find the passwords that were made for them: a user id and a password a line. */
export class PasswordFile {
  readonly #file: string;

  constructor(dataFolder: string) {
    this.#file = join(dataFolder, "passwords");
  }

  /** Adds a user's password, unless one stands there: what is in the file is never changed. */
  async add(userId: string, password: string): Promise<void> {
    const handle = await open(this.#file, "a+", 0o600);
    try {
      const before = await handle.readFile("utf8");
      if (before.split("\n").some((line) => line.split(" ")[0] === userId)) return;
      try {
        await handle.appendFile(`${userId} ${password}\n`);
        await handle.sync();
      } catch (error) {
        // Half a line would be taken for all of it the next time.
        await handle.truncate(Buffer.byteLength(before));
        throw error;
      }
    } finally {
      await handle.close();
    }
  }
}
