import { randomBytes } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The secret from which our users' passwords and devices are derived is damaged. Restore it from a backup. */
export class InstanceSecretDamaged extends Error {
  override readonly name = "InstanceSecretDamaged";
  readonly remedy: string;

  constructor(file: string) {
    super(`${file} does not hold an instance secret`);
    this.remedy = `restore ${file} from a backup: without it, the agents' users cannot log in`;
  }
}

const bytes = 32;

/** Its name in the data folder. */
export const secretFile = "instance-secret";

/** Reads the installation's secret, and creates it (mode 0600) at the first start. */
export async function instanceSecret(dataFolder: string): Promise<string> {
  const file = join(dataFolder, secretFile);
  try {
    const handle = await open(file, "wx", 0o600);
    try {
      const secret = randomBytes(bytes).toString("base64url");
      await handle.writeFile(secret);
      await handle.sync();
      return secret;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (Reflect.get(Object(error), "code") !== "EEXIST") throw error;
  }
  return readInstanceSecret(file);
}

/** Whether there is one; makes none. Throws {@link InstanceSecretDamaged}. */
export async function inspectInstanceSecret(dataFolder: string): Promise<"right" | "none"> {
  try {
    await readInstanceSecret(join(dataFolder, secretFile));
    return "right";
  } catch (error) {
    if (Reflect.get(Object(error), "code") === "ENOENT") return "none";
    throw error;
  }
}

async function readInstanceSecret(file: string): Promise<string> {
  const secret = (await readFile(file, "utf8")).trim();
  if (Buffer.from(secret, "base64url").length !== bytes) throw new InstanceSecretDamaged(file);
  return secret;
}
