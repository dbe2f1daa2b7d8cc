import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedHost } from "../../src/runtime/embedded/host.ts";
import { openDatabase } from "../../src/runtime/embedded/open.ts";
import { type Database, Store, type Write } from "../../src/runtime/embedded/store.ts";
import type { HostSetup, HostWorld, RunningHost } from "./host-conformance.ts";
import { Lifetime } from "./lifetime.ts";
import { SimulatedClock } from "./simulated-clock.ts";

/** A database that can be taken away from whoever writes to it, as a kill does: nothing is written any more, nobody hears why. */
class Killable implements Database {
  readonly #database: Database;
  readonly #underWay = new Set<Promise<void>>();
  #killed = false;

  constructor(database: Database) {
    this.#database = database;
  }

  getSync(key: string): string | undefined {
    return this.#killed ? undefined : this.#database.getSync(key);
  }

  iterator(range: { gte: string; lt: string }): AsyncIterable<[string, string]> {
    return this.#database.iterator(range);
  }

  async batch(writes: Write[], options: { sync: boolean }): Promise<void> {
    if (!this.#killed) {
      const written = this.#database.batch(writes, options);
      this.#underWay.add(written);
      await written.finally(() => this.#underWay.delete(written));
    }
    if (this.#killed) await new Promise(() => undefined);
  }

  async kill(): Promise<void> {
    this.#killed = true;
    await Promise.allSettled(this.#underWay);
  }
}

/** Embedded hosts on a LevelDB in a folder of its own. */
export async function embeddedWorld(): Promise<HostWorld> {
  const folder = await mkdtemp(join(tmpdir(), "letta-matrix-host-"));
  const clock = new SimulatedClock();
  const running = new Set<RunningHost>();

  async function open(setup: HostSetup): Promise<RunningHost> {
    const level = await openDatabase(join(folder, "store"));
    const database = new Killable(level);
    const lifetime = new Lifetime(clock);
    const store = new Store(database, (error) => {
      throw error;
    });
    const host = new EmbeddedHost({ store, clock: lifetime, jitterSeed: "seed", ...setup });
    const opened: RunningHost = {
      host,
      async kill() {
        if (!running.delete(opened)) return;
        lifetime.end();
        await database.kill();
        await level.close();
      },
      async close() {
        running.delete(opened);
        await store.flush();
        await level.close();
      },
    };
    running.add(opened);
    await host.start();
    return opened;
  }

  return {
    clock,
    open,
    async dispose() {
      for (const host of running) await host.kill();
      await rm(folder, { recursive: true });
    },
  };
}
