import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedHost, type EmbeddedHostOptions } from "../../src/runtime/embedded/host.ts";
import { openDatabase } from "../../src/runtime/embedded/open.ts";
import { ReopeningHost } from "../../src/runtime/embedded/reopening-host.ts";
import { ReopeningStore } from "../../src/runtime/embedded/reopening-store.ts";
import { type Database, Store, Vault, type Write } from "../../src/runtime/embedded/store.ts";
import type { Host } from "../../src/runtime/host.ts";
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

type MakeHost = (store: Store, options: Omit<EmbeddedHostOptions, "store">) => Promise<Host>;

/** Embedded hosts on a LevelDB in a folder of its own. */
export const embeddedWorld = () => worldOf(async (store, options) => new EmbeddedHost({ ...options, store }));

/** The same, as it is where the store may fail. */
export const reopeningWorld = () =>
  worldOf(async (store, options) => {
    const nothing = () => undefined;
    const reopening = await ReopeningStore.open({
      open: async () => ({ store, vault: new Vault(store), madeAt: 0, close: async () => undefined }),
      assertRoom: () => Promise.reject(new Error("this store does not fail")),
      clock: options.clock,
      onClosed: nothing,
      onReopened: nothing,
      onLost: nothing,
    });
    return new ReopeningHost(reopening, (opened) => new EmbeddedHost({ ...options, store: opened }));
  });

async function worldOf(makeHost: MakeHost): Promise<HostWorld> {
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
    const host = await makeHost(store, { clock: lifetime, jitterSeed: "seed", ...setup });
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
