import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
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

/** Reads the installation's secret, and creates it (mode 0600) at the first start: whole, or not at all. */
export async function instanceSecret(dataFolder: string): Promise<string> {
  const file = join(dataFolder, secretFile);
  try {
    return await readInstanceSecret(file);
  } catch (error) {
    if (Reflect.get(Object(error), "code") !== "ENOENT") throw error;
  }
  const secret = randomBytes(bytes).toString("base64url");
  const made = await open(`${file}.new`, "w", 0o600);
  try {
    await made.writeFile(secret);
    await made.sync();
  } finally {
    await made.close();
  }
  await rename(`${file}.new`, file);
  return secret;
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
