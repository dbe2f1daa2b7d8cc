import { describe, expect, it, vi } from "vitest";
import type { Behaviour } from "../../src/runtime/behaviour.ts";
import { EmbeddedHost } from "../../src/runtime/embedded/host.ts";
import { ReopeningHost } from "../../src/runtime/embedded/reopening-host.ts";
import { ReopeningStore } from "../../src/runtime/embedded/reopening-store.ts";
import { StoreUnavailable, type Unavailability } from "../../src/runtime/embedded/store/unavailable.ts";
import { Store, StoreFailed, Vault } from "../../src/runtime/embedded/store.ts";
import { MemoryDatabase } from "./memory-database.ts";
import { SimulatedClock, settled } from "./simulated-clock.ts";
import { collector, toyId, worker } from "./toys.ts";

const id = toyId("collector");
const add = (n: number) => ({ type: "ADD", n });
const noRoom = new Error("no space left on device");
const hour = 3_600_000;

/** A host on a disk that can be full. */
async function world(...behaviours: readonly Behaviour[]) {
  const clock = new SimulatedClock();
  const disk = { full: false, opened: 0, open: 0, kind: "closed" as Unavailability, probes: 0 };
  const watch = { onClosed: vi.fn(), onReopened: vi.fn(), onLost: vi.fn() };
  let database = new MemoryDatabase(clock);
  const store = await ReopeningStore.open({
    async open(onFailure) {
      if (disk.full) throw new StoreUnavailable(disk.kind, "it cannot be opened", "wait");
      expect(disk.open++).toBe(0);
      disk.opened++;
      database = database.powerLoss();
      const opened = new Store(database, onFailure);
      const close = async () => void disk.open--;
      return { store: opened, vault: new Vault(opened), madeAt: 0, close };
    },
    async assertRoom() {
      disk.probes++;
      if (disk.full && disk.kind === "closed") throw noRoom;
    },
    clock,
    ...watch,
  });
  const host = new ReopeningHost(
    store,
    (opened) =>
      new EmbeddedHost({ store: opened, clock, jitterSeed: "seed", behaviours: [collector(), ...behaviours] }),
  );
  await host.start();
  return {
    clock,
    disk,
    watch,
    store,
    host,
    numbers: () => host.read(id)?.context["numbers"],
    fill() {
      disk.full = true;
      database.fail(noRoom);
    },
    /** The next write fails, and then there is room again. */
    stumble: () => database.fail(noRoom),
  };
}

const refusal = { name: "StoreUnavailable", kind: "closed", remedy: expect.stringContaining("Free room on the disk") };

describe("a store that cannot be written any more", () => {
  it("keeps what was acknowledged, refuses what is new and says why, and goes on by itself when there is room", async () => {
    const { clock, disk, watch, host, numbers, fill } = await world();
    await host.accept(id, add(1), { id: "1" });
    fill();
    await expect(host.accept(id, add(2), { id: "2" })).rejects.toThrow(StoreFailed);
    await expect(host.accept(id, add(3), { id: "3" })).rejects.toMatchObject(refusal);
    expect(() => host.read(id)).toThrow("the store is closed, since it could not be written: no space left on device");
    await expect(Array.fromAsync(host.list("test", "collector"))).rejects.toMatchObject(refusal);
    await expect(host.ask(id, { type: "ASK" }, { timeout: 1_000 })).rejects.toMatchObject(refusal);
    expect(host.quarantined()).toEqual([]);
    await clock.pass(hour);
    expect(disk).toMatchObject({ opened: 1, open: 0 });
    // At least once a minute or so, and not all the time.
    expect(disk.probes).toBeGreaterThan(45);
    expect(disk.probes).toBeLessThan(90);
    disk.full = false;
    await clock.pass(80_000);
    expect(numbers()).toEqual([1]);
    for (const n of [1, 2, 3]) await host.accept(id, add(n), { id: String(n) });
    expect(numbers()).toEqual([1, 2, 3]);
    expect(watch.onClosed).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(refusal));
    expect(watch.onReopened).toHaveBeenCalledOnce();
    expect(watch.onLost).not.toHaveBeenCalled();
  });

  it("aborts what runs, and begins it again", async () => {
    const runs: { readonly restarted: boolean; readonly signal: AbortSignal }[] = [];
    const working = worker((_, context) => {
      runs.push(context);
      return new Promise(() => undefined);
    });
    const { clock, host, stumble } = await world(working);
    await host.accept(toyId("worker"), { type: "WORK", job: 1 });
    await settled();
    stumble();
    await expect(host.accept(id, add(1))).rejects.toThrow(StoreFailed);
    expect(runs.map(({ signal }) => signal.aborted)).toEqual([true]);
    await clock.pass(10_000);
    expect(runs.map(({ restarted, signal }) => [restarted, signal.aborted])).toEqual([
      [false, true],
      [true, false],
    ]);
  });

  it("does not take what an effect says that it aborted, and lets it say it again", async () => {
    const results: ((value: number) => void)[] = [];
    const working = worker(() => new Promise((resolve) => results.push(resolve)));
    const { clock, host, stumble } = await world(working);
    await host.accept(toyId("worker"), { type: "WORK", job: 1 });
    await settled();
    stumble();
    await expect(host.accept(id, add(1))).rejects.toThrow(StoreFailed);
    await clock.pass(10_000);
    results[0]?.(1);
    await settled();
    expect(host.read(toyId("worker"))?.context["results"]).toEqual([]);
    results[1]?.(2);
    await settled();
    expect(host.read(toyId("worker"))?.context["results"]).toEqual([2]);
  });

  it("keeps secrets under their names over all of it, and takes none while it is closed", async () => {
    const { clock, store, host, stumble } = await world();
    const { vault } = store;
    await vault.set("token", "first");
    stumble();
    await expect(host.accept(id, add(1))).rejects.toThrow(StoreFailed);
    await settled();
    expect(() => vault.get("token")).toThrow(StoreUnavailable);
    await expect(vault.set("token", "second")).rejects.toMatchObject(refusal);
    await clock.pass(10_000);
    expect(vault.get("token")).toBe("first");
    await vault.set("token", "third");
    expect(store.current.get("v|token")).toBe("third");
  });

  it("is closed once more when it fails while all begin again", async () => {
    const { clock, disk, watch, host, numbers, stumble } = await world(worker(() => Promise.resolve("done")));
    await host.accept(id, add(1));
    stumble();
    await expect(host.accept(id, add(2))).rejects.toThrow(StoreFailed);
    for (let times = 0; times < 3; times++) {
      await clock.pass(500);
      while (disk.open === 0) await clock.pass(100);
      stumble();
      await host.accept(id, add(3)).catch(() => undefined);
    }
    await clock.pass(hour);
    expect(disk).toMatchObject({ opened: 5, open: 1 });
    expect(numbers()).toEqual([1]);
    expect(watch.onReopened).toHaveBeenCalledTimes(watch.onClosed.mock.calls.length);
    expect(watch.onLost).not.toHaveBeenCalled();
  });

  it("tells those who listen of what comes after it, too", async () => {
    const { clock, host, stumble } = await world();
    const heard: number[] = [];
    const stop = host.subscribe(({ line }) => heard.push(line.revision));
    await host.accept(id, add(1));
    stumble();
    await expect(host.accept(id, add(2))).rejects.toThrow(StoreFailed);
    await clock.pass(10_000);
    await host.accept(id, add(3));
    stop();
    await host.accept(id, add(4));
    expect(heard).toEqual([1, 2, 3]);
  });

  it("ends the program when waiting will not help", async () => {
    const { clock, disk, watch, host, fill } = await world();
    disk.kind = "damaged";
    fill();
    await expect(host.accept(id, add(1))).rejects.toThrow(StoreFailed);
    await clock.pass(hour);
    expect(disk.probes).toBe(1);
    expect(watch.onLost).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ kind: "damaged" }));
  });

  it("waits while somebody else has it, who looks at what was last known", async () => {
    const { clock, disk, watch, host, fill } = await world();
    disk.kind = "taken";
    fill();
    await expect(host.accept(id, add(1))).rejects.toThrow(StoreFailed);
    await clock.pass(hour);
    disk.full = false;
    await clock.pass(80_000);
    await host.accept(id, add(1));
    expect(watch.onLost).not.toHaveBeenCalled();
  });

  it("is not opened again when the program ends meanwhile", async () => {
    const { clock, disk, store, watch, host, fill } = await world();
    fill();
    await expect(host.accept(id, add(1))).rejects.toThrow(StoreFailed);
    await clock.pass(10_000);
    await host.drain(1_000);
    await store.close();
    disk.full = false;
    await clock.pass(hour);
    expect(disk).toMatchObject({ opened: 1, open: 0 });
    expect(watch.onReopened).not.toHaveBeenCalled();
    expect(watch.onLost).not.toHaveBeenCalled();
  });
});
