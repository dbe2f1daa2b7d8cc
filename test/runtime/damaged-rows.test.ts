import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { EmbeddedHost } from "../../src/runtime/embedded/host.ts";
import { keys } from "../../src/runtime/embedded/keys.ts";
import { openLevel, openStore } from "../../src/runtime/embedded/open.ts";
import { put, type Write } from "../../src/runtime/embedded/store.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { collector, toyId } from "./toys.ts";
import { until } from "./until.ts";

const day = 24 * 3_600_000;
const id = toyId("collector");
const event = { kind: "event", event: { type: "ADD", n: 1 } };
const start = { kind: "action", name: "note", input: {} };

/** A host on a store in which the first of these rows has a bit that changed. */
async function damagedHost(rows: readonly Write[], clock = new SimulatedClock()) {
  const folder = join(await temporaryFolder("damaged-rows"), "store");
  const made = await openStore(folder, () => undefined);
  await made.store.commit(rows);
  await made.close();
  const level = await openLevel(folder, { create: false });
  const [{ key } = { key: "" }] = rows;
  await level.put(key, `${(await level.get(key))?.slice(0, -1)}~`);
  await level.close();
  const { store, close } = await openStore(folder, () => undefined);
  onTestFinished(close);
  const unreadable: unknown[] = [];
  const host = new EmbeddedHost({
    store,
    clock,
    jitterSeed: "seed",
    behaviours: [collector()],
    onUnreadable: (actor, error) => unreadable.push([actor, error]),
  });
  return { host, store, clock, unreadable };
}

describe("a row that is not what was written there", () => {
  it.each([
    ["an undelivered event", put(keys.inbox(id, 1), { stimulus: event, crashes: 0 })],
    ["an effect", put(keys.effect(id, 1, 0), { start, at: 1 })],
    ["a timer", put(keys.timer(id, "timer"), { due: 1, generation: 1 })],
    ["a dead letter", put(keys.deadLetter(id, 1), { stimulus: event, crashes: 2, at: 1, crash: "c" })],
  ])("may be %s that was acknowledged: nothing starts, and it is said what to do", async (_, row) => {
    const { host } = await damagedHost([row]);
    await expect(host.start()).rejects.toMatchObject({
      name: "StoreUnavailable",
      kind: "damaged",
      message: expect.stringContaining(row.key),
      remedy: expect.stringContaining("letta-matrix repair"),
    });
  });

  it("ends nobody's forgetting: it is told of, and what is old behind it goes", async () => {
    const old = Array.from({ length: 1_200 }, (_, n) => put(keys.seen(toyId("collector", "2"), String(n)), 1));
    const [damaged, before] = [keys.seen(id, "b"), keys.seen(id, "a")];
    const { host, store, clock, unreadable } = await damagedHost([put(damaged, 1), put(before, 1), ...old]);
    await host.start();
    const seen = async () => (await Array.fromAsync(store.scan(`s|${toyId("collector", "2")}|`))).length;
    for (const round of [1, 2]) {
      await clock.pass(day);
      await until(() => unreadable.length === round);
    }
    await until(async () => (await seen()) === 1_000);
    expect(unreadable[0]).toEqual([id, expect.objectContaining({ name: "RowDamaged", key: damaged })]);
    expect(store.get(before)).toBe("1");
    await host.drain(1_000);
  });
});
