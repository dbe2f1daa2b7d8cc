import { execFileSync } from "node:child_process";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";

const page = 4_096;

/** A file system of its own, so small that it can be filled. */
export class SmallDisk {
  readonly folder: string;
  readonly #ballast: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.#ballast = join(folder, "ballast");
  }

  /** Gives the reason where this user may not make one. */
  static mount(folder: string, megabytes: number): SmallDisk | { readonly refused: string } {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=700`, "none", folder], { stdio: "pipe" });
    } catch (error) {
      return { refused: `a file system cannot be mounted here: ${String(error).trim().split("\n").at(-1)}` };
    }
    return new SmallDisk(folder);
  }

  /** Takes all the room that is left, but so many pages. */
  async fill(pagesLeft = 0): Promise<void> {
    const file = await open(this.#ballast, "a");
    try {
      for (const size of [65_536, page]) await fillWith(file, Buffer.alloc(size));
      if (pagesLeft > 0) await file.truncate((await file.stat()).size - pagesLeft * page);
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(this.#ballast);
  }

  unmount(): void {
    execFileSync("umount", ["--lazy", this.folder]);
  }
}

/** Resolves when the disk does not take one more. */
async function fillWith(file: { writeFile(block: Buffer): Promise<void> }, block: Buffer): Promise<void> {
  try {
    for (;;) await file.writeFile(block);
  } catch (error) {
    if (Reflect.get(Object(error), "code") !== "ENOSPC") throw error;
  }
}
