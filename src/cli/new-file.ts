import { lstat, writeFile } from "node:fs/promises";

/** Nothing that somebody has written is ever replaced. */
export class AlreadyThere extends Error {
  override readonly name = "AlreadyThere";
  readonly remedy: string;

  constructor(path: string, remedy: string) {
    super(`${path} exists already, and is left as it is`);
    this.remedy = remedy;
  }
}

export async function assertFree(path: string, remedy: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined) throw new AlreadyThere(path, remedy);
}

/** For the eyes of whoever runs this only; refuses to replace anything. */
export async function writeNew(path: string, text: string | Uint8Array, remedy: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o600 });
  } catch (cause) {
    throw Reflect.get(Object(cause), "code") === "EEXIST" ? new AlreadyThere(path, remedy) : cause;
  }
}
