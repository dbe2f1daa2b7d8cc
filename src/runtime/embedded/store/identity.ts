import { randomUUID } from "node:crypto";
import { type FileHandle, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { cannotRead, damaged } from "./unavailable.ts";

/** Raised with every change of how rows are kept. Each one that was released stays readable, see the fixtures. */
export const storeFormat = 1;

export const identity = z.object({
  format: z.number().int(),
  /** Tells this store from any other; the store holds it, too. */
  id: z.string(),
  madeAt: z.string(),
  /** How often it has come out of a backup, or been repaired. */
  epoch: z.number().int(),
});

/** What a store is. It stands beside the store, so that a store that is gone is missed. */
export type Identity = z.infer<typeof identity>;

const mark = z.object({ sequence: z.string().regex(/^\d{15}$/) });

export function newIdentity(now: number, epoch = 0): Identity {
  return { format: storeFormat, id: randomUUID(), madeAt: new Date(now).toISOString(), epoch };
}

export function identityFileOf(folder: string): string {
  return `${folder}.identity`;
}

/** Where a file is written until it is whole. */
export function newFileOf(file: string): string {
  return `${file}.new`;
}

/** The identity of the store in `folder`, and the number of a batch that it is known to hold; `undefined` when there is none. */
export async function readIdentity(folder: string): Promise<(Identity & { readonly sequence: number }) | undefined> {
  const file = identityFileOf(folder);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (Reflect.get(Object(error), "code") === "ENOENT") return undefined;
    throw cannotRead(file, error);
  });
  if (text === undefined) return undefined;
  try {
    const [first = "", second = ""] = text.split("\n");
    const { sequence } = mark.parse(JSON.parse(second));
    return { ...identity.parse(JSON.parse(first)), sequence: Number(sequence) };
  } catch (error) {
    throw damaged(`${file} is not what was written there`, error);
  }
}

/** Writes it whole or not at all. */
export async function writeIdentity(folder: string, identified: Identity, sequence: number): Promise<void> {
  const file = identityFileOf(folder);
  const made = await open(newFileOf(file), "w", 0o600);
  try {
    await made.writeFile(`${JSON.stringify(identified)}\n${markLine(sequence)}`);
    await made.sync();
  } finally {
    await made.close();
  }
  await rename(newFileOf(file), file);
  await syncFolder(dirname(file));
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Calls `run` once, `delay` ms from now, unless what it gives is called before. */
type Schedule = (delay: number, run: () => void) => () => void;

/** Between two writes of the mark, ms. */
const leastInterval = 1_000;

/**
 * The high-water mark in the identity file: the number of a batch that is on disk, so that a store without it has lost
 * something. It is written after its batch, at once or within a second, and fsynced at the end only: it may lag behind, and
 * is never ahead.
 */
export class HighWaterMark {
  readonly #file: FileHandle;
  readonly #offset: number;
  readonly #schedule: Schedule;
  /** Until the next write may be. */
  #pause: (() => void) | undefined;
  #wanted: number;
  #written: number;
  #writing: Promise<void> | undefined;

  private constructor(file: FileHandle, offset: number, sequence: number, schedule: Schedule) {
    this.#file = file;
    this.#offset = offset;
    this.#schedule = schedule;
    this.#wanted = sequence;
    this.#written = sequence;
  }

  static async open(folder: string, schedule: Schedule): Promise<HighWaterMark> {
    const file = identityFileOf(folder);
    const [first = "", second = ""] = (await readFile(file, "utf8")).split("\n");
    const sequence = Number(mark.parse(JSON.parse(second)).sequence);
    return new HighWaterMark(await open(file, "r+"), Buffer.byteLength(first) + 1, sequence, schedule);
  }

  raise(sequence: number): void {
    this.#wanted = sequence;
    // Each write of another file makes the fsync of the next batch dearer.
    if (this.#pause === undefined) this.#writeNow();
  }

  #writeNow(): void {
    this.#writing ??= this.#write();
    this.#pause = this.#schedule(leastInterval, () => {
      this.#pause = undefined;
      if (this.#written < this.#wanted) this.#writeNow();
    });
  }

  async close(): Promise<void> {
    this.#pause?.();
    await this.#writing;
    await this.#write();
    await this.#file.sync().catch(() => undefined);
    await this.#file.close();
  }

  async #write(): Promise<void> {
    try {
      while (this.#written < this.#wanted) {
        const sequence = this.#wanted;
        await this.#file.write(markLine(sequence), this.#offset);
        this.#written = sequence;
      }
    } catch {
      // A mark that lags behind misses less, and refuses nothing that is whole.
    } finally {
      this.#writing = undefined;
    }
  }
}

function markLine(sequence: number): string {
  return `${JSON.stringify({ sequence: String(sequence).padStart(15, "0") })}\n`;
}
