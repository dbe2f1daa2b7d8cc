import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openStore } from "../../src/runtime/embedded/open.ts";
import { StoreUnavailable } from "../../src/runtime/embedded/store/unavailable.ts";
import { del, put, putLater, Store, StoreFailed, Vault } from "../../src/runtime/embedded/store.ts";
import { vaultContract } from "../ports/vault-contract.ts";
import { MemoryDatabase } from "./memory-database.ts";
import { runs } from "./runs.ts";
import { SimulatedClock, settled } from "./simulated-clock.ts";
import { temporaryFolder } from "./temporary-folder.ts";

function slowStore(delay = 40) {
  const clock = new SimulatedClock();
  const database = new MemoryDatabase(clock);
  database.delay = delay;
  const onFailure = vi.fn<(error: StoreFailed) => void>();
  return { clock, database, onFailure, store: new Store(database, onFailure) };
}

describe("group commit", () => {
  it("makes one batch of all commits that wait, and resolves them in order when it is written", async () => {
    const { clock, database, store } = slowStore();
    const resolved: number[] = [];
    const commit = (n: number) => void store.commit([put(`k${n}`, n)]).then(() => resolved.push(n));
    for (const n of [1, 2, 3]) commit(n);
    await clock.pass(20);
    for (const n of [4, 5]) commit(n);
    expect(resolved).toEqual([]);
    await clock.pass(20);
    expect(resolved).toEqual([1, 2, 3]);
    expect(store.get("k3")).toBe("3");
    expect(store.get("k4")).toBeUndefined();
    await clock.pass(40);
    expect(resolved).toEqual([1, 2, 3, 4, 5]);
    expect(database.batches.map((batch) => batch.length)).toEqual([3, 2]);
  });

  it("writes in the order given, whatever rides and whatever is committed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            key: fc.constantFrom("a", "b", "c"),
            value: fc.option(fc.nat()),
            how: fc.constantFrom("commit", "ride", "wait"),
          }),
        ),
        async (writes) => {
          const { clock, database, store } = slowStore(10);
          const expected = new Map<string, string>();
          for (const { key, value, how } of writes) {
            const write = value === null ? del(key) : put(key, value);
            if (write.type === "put") expected.set(key, write.value);
            else expected.delete(key);
            if (how === "ride") store.ride([write]);
            else void store.commit([write]);
            if (how === "wait") await clock.pass(7);
          }
          const flushed = store.flush();
          await clock.pass(30);
          await flushed;
          const kept = database.powerLoss();
          for (const key of ["a", "b", "c"]) expect(kept.getSync(key)).toBe(expected.get(key));
        },
      ),
      { numRuns: runs(100) },
    );
  });

  it("writes of each key what was given last, whether that is a value or none", async () => {
    const { clock, database, store } = slowStore();
    void store.commit([put("a", 1), put("b", 1), del("c")]);
    store.ride([putLater("a", { n: 2 }), del("b")]);
    void store.commit([put("c", 3)]);
    await clock.pass(40);
    expect(database.batches).toEqual([
      [
        { type: "put", key: "a", value: '{"n":2}' },
        { type: "del", key: "b" },
        { type: "put", key: "c", value: "3" },
      ],
    ]);
    expect(database.keys()).toEqual(["a", "c"]);
  });

  it("survives a loss of power from the moment a commit resolves", async () => {
    const { clock, database, store } = slowStore();
    store.ride([put("ride", 1)]);
    const first = store.commit([put("first", 1)]);
    await clock.pass(40);
    await first;
    void store.commit([put("second", 2)]);
    await clock.pass(20);
    expect(database.powerLoss().keys()).toEqual(["first", "ride"]);
  });

  it("rejects all that wait when a batch fails, reports it once, and takes nothing more", async () => {
    const { clock, database, onFailure, store } = slowStore();
    const cause = new Error("no space left on device");
    database.fail(cause);
    const waiting = [store.commit([put("a", 1)]), store.commit([put("b", 2)])];
    await clock.pass(10);
    waiting.push(store.commit([put("c", 3)]));
    const results = Promise.allSettled(waiting);
    await clock.pass(80);
    waiting.push(store.commit([put("d", 4)]));
    for (const result of [...(await results), ...(await Promise.allSettled(waiting.slice(3)))])
      expect(result).toMatchObject({ status: "rejected", reason: expect.any(StoreFailed) });
    expect(onFailure).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ name: "StoreFailed", cause }));
    expect(database.batches).toHaveLength(1);
    expect(database.keys()).toEqual([]);
  });

  it("flushes what rides, and has nothing to do when nothing does", async () => {
    const { clock, database, store } = slowStore();
    await store.flush();
    expect(database.batches).toEqual([]);
    store.ride([put("a", 1)]);
    await settled();
    expect(database.batches).toEqual([]);
    const flushed = store.flush();
    await clock.pass(40);
    await flushed;
    expect(database.powerLoss().keys()).toEqual(["a"]);
  });
});

vaultContract("the vault", async () => {
  const folder = await temporaryFolder("vault");
  const { vault, close } = await openStore(join(folder, "db"), () => undefined);
  onTestFinished(close);
  return vault;
});

vaultContract("the vault of a store in memory", async () => new Vault(slowStore(0).store));

describe("opening a store", () => {
  it("says who has it, or that it is damaged, and what to do", async () => {
    const folder = await mkdtemp(join(tmpdir(), "letta-matrix-store-"));
    const unexpected = (error: Error): never => {
      throw error;
    };
    const first = await openStore(join(folder, "db"), unexpected);
    await first.store.commit([put("a", 1)]);
    const second = openStore(join(folder, "db"), unexpected);
    await expect(second).rejects.toMatchObject({ name: "StoreUnavailable", remedy: "stop the other process first" });
    await writeFile(join(folder, "file"), "");
    await expect(openStore(join(folder, "file", "db"), unexpected)).rejects.toThrow(StoreUnavailable);
    first.store.ride([put("b", 2)]);
    await first.close();
    const again = await openStore(join(folder, "db"), unexpected);
    expect([again.store.get("a"), again.store.get("b")]).toEqual(["1", "2"]);
    await again.close();
    await rm(folder, { recursive: true });
  });
});
