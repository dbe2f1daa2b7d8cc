import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { scanPastDamage } from "../embedded/past-damage.ts";
import { type Identity, readIdentity } from "../embedded/store/identity.ts";
import { StoreUnavailable } from "../embedded/store/unavailable.ts";
import type { Store } from "../embedded/store.ts";
import { errorCode } from "../error-code.ts";
import type { BackupSummary, Inspection, Storage } from "../storage.ts";
import { BackupUnusable, writeBackup } from "./file.ts";
import { readable } from "./readable.ts";
import { damagedRows, Surveyor } from "./surveyor.ts";

export interface StorageOptions {
  readonly dataFolder: string;
  /** Names of small files in the data folder without which the store is of no use. */
  readonly files: readonly string[];
  readonly store: Pick<Store, "scan">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The open store as a whole. What it reads is of one moment, and holds up nobody who writes. */
export class OpenStorage implements Storage {
  readonly #options: StorageOptions;

  constructor(options: StorageOptions) {
    this.#options = options;
  }

  async backUp(file: string, signal: AbortSignal): Promise<BackupSummary> {
    const { store, now } = this.#options;
    const about = { store: await this.#identity(), at: new Date(now()).toISOString(), files: await this.#files() };
    return writeBackup(file, about, until(signal, readable(store.scan(""))));
  }

  async inspect(actor: string | undefined, signal: AbortSignal): Promise<Inspection> {
    const survey = new Surveyor(actor);
    const { store } = this.#options;
    const damage: string[] = [];
    try {
      const rows = scanPastDamage({ scan: (prefix, after) => readable(store.scan(prefix, after)) }, "");
      for await (const [key, value] of until(signal, rows))
        survey.count(key, typeof value === "string" ? value : undefined);
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || error.kind !== "damaged") throw error;
      damage.push(error.message);
    }
    const result = survey.result();
    if (result.damaged.length > 0) damage.push(damagedRows);
    return { ...result, store: await this.#identity(), damage };
  }

  async #identity(): Promise<Identity> {
    const known = await readIdentity(join(this.#options.dataFolder, "store"));
    if (known === undefined)
      throw new BackupUnusable(
        "the store has lost its identity",
        "Stop the program: `letta-matrix repair` mends that.",
      );
    const { sequence: _, ...identity } = known;
    return identity;
  }

  async #files(): Promise<Record<string, string>> {
    const { dataFolder, files } = this.#options;
    const contents: Record<string, string> = {};
    for (const name of files) {
      const content = await readFile(join(dataFolder, name), "utf8").catch((error: unknown) => {
        if (errorCode(error) === "ENOENT") return undefined;
        throw error;
      });
      if (content !== undefined) contents[name] = content;
    }
    return contents;
  }
}

async function* until<TRow>(signal: AbortSignal, rows: AsyncIterable<TRow>): AsyncGenerator<TRow> {
  for await (const row of rows) {
    signal.throwIfAborted();
    yield row;
  }
}
