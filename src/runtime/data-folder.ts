import { access, chmod, constants, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "./error-code.ts";

/** The data folder cannot be made, made private, or written. */
export class DataFolderUnusable extends Error {
  override readonly name = "DataFolderUnusable";
  readonly remedy = "Name a folder that belongs to the user who runs this, or one that can be created, as data_folder.";
}

/** Makes the folder where it is missing, and sees to it that nobody else may enter. Throws {@link DataFolderUnusable}. */
export async function ensureDataFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { mode } = await stat(folder);
    if ((mode & 0o077) !== 0) await chmod(folder, 0o700);
  } catch (cause) {
    throw new DataFolderUnusable(`the data folder ${folder} cannot be made private (${errorCode(cause)})`, { cause });
  }
}

/** Throws {@link DataFolderUnusable} when the folder could not be made, or cannot be written. Makes nothing. */
export async function assertDataFolderUsable(folder: string): Promise<void> {
  let present = folder;
  for (;;) {
    try {
      const found = await stat(present);
      if (!found.isDirectory()) throw notUsable(folder, `${present} is no folder`);
      return await access(present, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      const code = errorCode(cause);
      if (cause instanceof DataFolderUnusable) throw cause;
      if (code !== "ENOENT" || dirname(present) === present) throw notUsable(folder, String(code), cause);
      present = dirname(present);
    }
  }
}

function notUsable(folder: string, why: string, cause?: unknown): DataFolderUnusable {
  return new DataFolderUnusable(`the data folder ${folder} cannot be used (${why})`, { cause });
}
