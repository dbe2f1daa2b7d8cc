import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Effect } from "../../src/runtime/effect.ts";
import { EmbeddedHost } from "../../src/runtime/embedded/host.ts";
import { keys } from "../../src/runtime/embedded/keys.ts";
import { openLevel, openStore } from "../../src/runtime/embedded/open.ts";
import { RowDamaged } from "../../src/runtime/embedded/store/seal.ts";
import { put, type Write } from "../../src/runtime/embedded/store.ts";
import { MemoryDatabase } from "./memory-database.ts";
import { memoryHost } from "./memory-host.ts";
import { SimulatedClock, settled } from "./simulated-clock.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { collector, noter, toyId } from "./toys.ts";
import { until } from "./until.ts";

/** Ranges that stay: records, journals, taken ids. */
const lasting = ["r|", "j|", "s|"];
const endless: Effect = () => new Promise(() => undefined);
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

  it("among the ids keeps the actor from that event only: what waits behind it is taken", async () => {
    const seen = keys.seen(id, "$a");
    const row = { stimulus: event, crashes: 0 };
    const waiting = [put(keys.inbox(id, 1), { ...row, id: "$a" }), put(keys.inbox(id, 2), { ...row, id: "$b" })];
    const { host, store, unreadable } = await damagedHost([put(seen, 1), ...waiting]);
    await host.start();
    await until(() => host.read(id)?.context["numbers"] !== undefined);
    await host.accept(id, { type: "ADD", n: 2 });
    expect(host.read(id)?.context["numbers"]).toEqual([1, 2]);
    expect(unreadable).toEqual([[id, expect.objectContaining({ name: "RowDamaged", key: seen })]]);
    expect(store.get(keys.inbox(id, 1))).toBeDefined();
    await host.drain(1_000);
  });

  it("hides no other line of a journal, and is shown as damaged in its place", async () => {
    const line = { at: 1, event: "ADD", to: "on", effects: [], handled: true };
    const lines = [2, 1, 3].map((revision) => put(keys.journal(id, revision), { ...line, revision }));
    const { host } = await damagedHost([...lines, put(keys.journal(id, 4), { revision: "four" })]);
    await host.start();
    const journal = await host.journal(id);
    expect(journal.map(({ revision, event }) => [revision, event])).toEqual([
      [1, "ADD"],
      [2, "(damaged)"],
      [3, "ADD"],
      [4, "(damaged)"],
    ]);
    await host.drain(1_000);
  });

  it("hides no other crash, and is shown as damaged, with what to do", async () => {
    const report = { id: "c", actor: id, incarnation: 1, stimulus: "ADD", error: { name: "E", message: "m" } };
    const rows = [20, 10, 30].map((at) => put(keys.crash(id, at, at / 10), { ...report, at }));
    const { host } = await damagedHost([...rows, put(keys.crash(id, 40, 4), { at: "forty" })]);
    await host.start();
    expect(await host.crashes(id)).toMatchObject([
      { at: 10, stimulus: "ADD" },
      { at: 20, incarnation: 2, stimulus: "(damaged)", error: { remedy: expect.stringContaining("restore") } },
      { at: 30, stimulus: "ADD" },
      { at: 40, incarnation: 4, stimulus: "(damaged)", error: { message: expect.stringContaining("cannot be read") } },
    ]);
    await host.drain(1_000);
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

describe("a row that this version cannot read", () => {
  it("is reported and left alone; the other actors run", async () => {
    const first = await memoryHost({ behaviours: [noter(endless), collector()] });
    await first.host.accept(toyId("noter"), { type: "NOTE", n: 1 });
    await first.host.accept(toyId("collector"), { type: "ADD", n: 1 });
    const [row = ""] = first.database.keys(...lasting);
    await first.database.batch([{ type: "put", key: row, value: "{" }], { sync: true });
    const database = first.database.powerLoss();
    const { host, failures } = await memoryHost({ behaviours: [noter(endless), collector()], database });
    expect(failures).toHaveLength(1);
    expect(database.getSync(row)).toBe("{");
    await host.accept(toyId("collector"), { type: "ADD", n: 2 });
    expect(host.read(toyId("collector"))?.context["numbers"]).toEqual([1, 2]);
  });
});

describe("a record that this version cannot read", () => {
  it("is reported, and left out of the list of the others", async () => {
    const { host, database, failures } = await memoryHost({ behaviours: [collector()] });
    for (const key of ["a", "b", "c"]) await host.accept(toyId("collector", key), { type: "ADD", n: 1 });
    await database.batch([{ type: "put", key: `r|${toyId("collector", "b")}`, value: "{" }], { sync: true });
    const listed: string[] = [];
    for await (const { id } of host.list("test", "collector")) listed.push(id);
    expect(listed).toEqual([toyId("collector", "a"), toyId("collector", "c")]);
    expect(failures).toHaveLength(1);
  });

  it("is reported once, however often all are listed, and its actor is among those that take nothing", async () => {
    const first = await memoryHost({ behaviours: [collector()] });
    const [a, b] = [toyId("collector", "a"), toyId("collector", "b")];
    for (const id of [a, b]) await first.host.accept(id, { type: "ADD", n: 1 });
    await first.database.batch([{ type: "put", key: `r|${b}`, value: "{" }], { sync: true });
    const { host, failures } = await memoryHost({
      behaviours: [collector()],
      database: first.database.powerLoss(),
    });
    for (const _ of ["once", "again"]) expect(await Array.fromAsync(host.list("test", "collector"))).toHaveLength(1);
    expect(failures).toHaveLength(1);
    expect(host.quarantined()).toEqual([b]);
    expect(host.health(b)).toMatchObject({ crash: { error: { message: expect.stringContaining("cannot read") } } });
  });

  it("is refused with what to do, and its actor is shown as one that takes nothing", async () => {
    const first = await memoryHost({ behaviours: [collector()] });
    const id = toyId("collector");
    await first.host.accept(id, { type: "ADD", n: 1 });
    const record = JSON.stringify({ ...JSON.parse(first.database.getSync(`r|${id}`) ?? ""), format: 2 });
    await first.database.batch([{ type: "put", key: `r|${id}`, value: record }], { sync: true });
    const { host } = await memoryHost({ behaviours: [collector()], database: first.database.powerLoss() });
    const why = { name: "UnreadableRecord", remedy: expect.stringContaining("Run the version") };
    await expect(host.accept(id, { type: "ADD", n: 2 })).rejects.toMatchObject(why);
    expect(host.health(id)).toMatchObject({ state: "quarantined", crash: { error: why } });
    expect(host.quarantined()).toEqual([id]);
  });
});

describe("a record that is damaged while the program runs", () => {
  const damaged = keys.record(toyId("collector", "b"));
  class Damaged extends MemoryDatabase {
    override getSync(key: string): string | undefined {
      if (key === damaged) throw new RowDamaged(key);
      return super.getSync(key);
    }

    override async *iterator(range: { gte: string; lt: string }): AsyncGenerator<[string, string]> {
      for await (const row of super.iterator(range)) {
        if (row[0] === damaged) throw new RowDamaged(row[0]);
        yield row;
      }
    }
  }

  it.each([
    ["among others", [], [toyId("collector", "a"), toyId("collector", "c")]],
    ["by its own name", ["b"], []],
  ])("is reported, and left out of the list, where it is looked for %s", async (_, key, others) => {
    const first = await memoryHost({ behaviours: [collector()] });
    for (const name of ["a", "b", "c"]) await first.host.accept(toyId("collector", name), { type: "ADD", n: 1 });
    const database = new Damaged(first.clock, new Map(first.database.durable()));
    const { host, failures } = await memoryHost({ behaviours: [collector()], clock: first.clock, database });
    const listed: string[] = [];
    for await (const { id } of host.list("test", "collector", ...key)) listed.push(id);
    expect(listed).toEqual(others);
    expect(failures).toMatchObject([{ name: "RowDamaged" }]);
  });
});

describe("a damaged line of the journal", () => {
  it.each(["{", undefined])(
    "is left out of the report of a crash, after which the effects run again (%j)",
    async (line) => {
      const begun: unknown[] = [];
      let stays = false;
      const note: Effect = async (input, context) => {
        begun.push(input);
        if (stays) await endless(input, context);
      };
      const clock = new SimulatedClock();
      const database = new (class extends MemoryDatabase {
        override getSync(key: string): string | undefined {
          if (line === undefined && key === damaged) throw new RowDamaged(key);
          return super.getSync(key);
        }
      })(clock);
      const id = toyId("noter");
      const damaged = keys.journal(id, 2);
      const { host, crashes } = await memoryHost({ behaviours: [noter(note)], clock, database });
      for (const n of [1, 2]) await host.accept(id, { type: "NOTE", n });
      await settled();
      if (line !== undefined) await database.batch([{ type: "put", key: damaged, value: line }], { sync: true });
      stays = true;
      await host.accept(id, { type: "NOTE", n: 3 });
      await settled();
      await host.accept(id, { type: "POISON" });
      await clock.pass(60_000);
      expect(host.health(id)).toEqual({ state: "running" });
      expect(crashes.map(({ journal }) => journal.map(({ revision }) => revision))).toContainEqual([1, 3, 4]);
      expect(begun).toEqual([1, 2, 3, 3].map((n) => ({ n })));
    },
  );
});
