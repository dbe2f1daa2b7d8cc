import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { z } from "zod";
import { type Entry, entry } from "./entries.ts";

const batch = z.array(entry);

/**
 * What the stand-in keeps: one line for all that happened at once. It is with the operating system before anybody is
 * told, so that it is there after kill -9; a line that a kill cut off was told to nobody, and is dropped.
 */
export class Journal {
  readonly #file: number;
  /** What earlier lives wrote down, oldest first. */
  readonly past: readonly Entry[];

  constructor(path: string) {
    this.#file = openSync(path, "a+", 0o600);
    const text = readFileSync(path, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole.length < text.length) ftruncateSync(this.#file, Buffer.byteLength(whole));
    this.past = whole
      .split("\n")
      .slice(0, -1)
      .flatMap((line) => batch.parse(JSON.parse(line)));
  }

  append(entries: readonly Entry[]): void {
    const line = Buffer.from(`${JSON.stringify(entries)}\n`);
    for (let written = 0; written < line.length; ) written += writeSync(this.#file, line, written);
  }

  close(): void {
    closeSync(this.#file);
  }
}
