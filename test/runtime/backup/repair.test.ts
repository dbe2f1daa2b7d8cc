import { cp, readdir, readFile, rm, symlink, truncate } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { Level } from "level";
import { describe, expect, test, vi } from "vitest";
import { actorId } from "../../../src/runtime/actor-id.ts";
import { inspectFolder } from "../../../src/runtime/backup/inspect.ts";
import { repairStore } from "../../../src/runtime/backup/repair.ts";
import { keys } from "../../../src/runtime/embedded/keys.ts";
import { openDatabase } from "../../../src/runtime/embedded/open.ts";
import { readIdentity } from "../../../src/runtime/embedded/store/identity.ts";
import { put, type Write } from "../../../src/runtime/embedded/store.ts";
import { recordOf } from "../../actors/agent-record.ts";
import { filesOf, losses } from "../losses.ts";
import { temporaryFolder } from "../temporary-folder.ts";

// Much is tried here: on a busy machine it takes its time.
vi.setConfig({ testTimeout: 60_000 });

const now = () => Date.UTC(2026, 10, 26, 12, 0, 0);
const people = Array.from({ length: 60 }, (_, n) => actorId("town", "person", String(n).padStart(3, "0")));
const nobody = actorId("town", "person", "nobody");
const [first = nobody, second = nobody] = people;

/** All that one actor has. Its record tells of one effect and one timer. */
function rowsOf(actor: typeof first): Write[] {
  const generation = 3;
  const input = { padding: Math.random().toString(36).repeat(20) };
  const child = { src: "listen", generation, input };
  const timers = { retry: { due: 5, generation: 4, event: { type: "retry" } } };
  return [
    put(keys.record(actor), recordOf({ id: actor, machine: "person", revision: 7, children: { ear: child }, timers })),
    put(keys.effect(actor, 7, 0), { start: { kind: "child", name: "listen", child: "ear", generation, input }, at: 1 }),
    put(keys.timer(actor, "retry"), { due: 5, generation: 4 }),
    put(keys.inbox(actor, 12), { stimulus: { kind: "event", event: { type: "HELLO" } }, crashes: 0 }),
    put(keys.seen(actor, "$event"), 1),
  ];
}

/** A data folder with a store that has much in its tables, and the last commits in its log only. */
async function filled(): Promise<{ dataFolder: string; folder: string; before: Map<string, string> }> {
  const dataFolder = await temporaryFolder("repair");
  const folder = join(dataFolder, "store");
  const before = new Map<string, string>();
  for (const part of [people.slice(0, 30), people.slice(30, 50), people.slice(50)]) {
    const database = await openDatabase(folder);
    for (const rows of [...part.map(rowsOf), [put(keys.vault(`token ${part.length}`), "secret")]]) {
      await database.batch(rows, { sync: true });
      for (const row of rows) if (row.type === "put") before.set(row.key, row.value);
    }
    await database.close();
  }
  return { dataFolder, folder, before };
}

async function contentOf(folder: string): Promise<Map<string, string>> {
  const database = await openDatabase(folder, { create: false });
  const rows = await Array.fromAsync(database.iterator({ gte: "a", lt: "z" }));
  await database.close();
  return new Map(rows.filter(([key]) => !key.startsWith("m|")));
}

const repairable: typeof losses = {
  ...losses,
  "one of whose tables was cut off": async (folder) => {
    const [table = ""] = await filesOf(folder, /\.ldb$/);
    await truncate(table, Math.floor((await readFile(table)).length / 2));
  },
};

describe("a damaged store is repaired as far as it can be,", () => {
  test.each(Object.entries(repairable))("one %s", async (_, lose) => {
    const { dataFolder, folder, before } = await filled();
    await lose(folder);
    await expect(openDatabase(folder, { create: false })).rejects.toMatchObject({ kind: "damaged" });
    const tables = await filesOf(folder, /\.ldb$/);
    const repaired = await repairStore(dataFolder, { now });
    expect(repaired?.damage).toHaveLength(1);
    // Half of it at least was not touched.
    expect(repaired?.records).toBeGreaterThan(9);
    const after = await contentOf(folder);
    for (const [key, value] of after)
      if (!value.includes('"restored"')) expect(JSON.parse(value), key).toEqual(JSON.parse(before.get(key) ?? "null"));
    const kept = people.filter((person) => after.has(keys.record(person)));
    expect(kept).toHaveLength(repaired?.records ?? 0);
    // Nothing of an actor is there without the actor, and whatever its record tells of is.
    for (const person of people)
      for (const key of [keys.effect(person, 7, 0), keys.timer(person, "retry")])
        expect(after.has(key), key).toBe(kept.includes(person));
    for (const person of people) if (!kept.includes(person)) expect(after.has(keys.seen(person, "$event"))).toBe(false);
    const told = [...after].filter(([key, value]) => key.startsWith("i|") && value.includes('"restored"'));
    expect(told.length).toBeGreaterThanOrEqual(kept.length);
    // The damaged one is kept.
    const aside = `${folder}.before-repair-20261126T120000`;
    expect(repaired?.moved).toContain(aside);
    expect((await filesOf(aside, /\.ldb$/)).length).toBeGreaterThanOrEqual(tables.length);
    expect((await readdir(dataFolder)).filter((name) => /new|copy/.test(name))).toEqual([]);
    expect(await repairStore(dataFolder, { now })).toBeUndefined();
  });
});

describe("what is rescued", () => {
  test("is every row that still is what was written there, whichever bits have changed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat({ max: 59 }), { minLength: 1, maxLength: 10 }), async (broken) => {
        const { dataFolder, folder } = await filled();
        const level = new Level<string, string>(folder);
        await level.open();
        for (const n of broken) {
          const key = keys.record(people[n] ?? first);
          await level.put(key, ((await level.get(key)) ?? "").replace('"revision":7', '"revision":8'));
        }
        await level.close();
        const repaired = await repairStore(dataFolder, { now });
        expect(repaired).toMatchObject({ records: 60 - broken.length, damaged: broken.length });
        expect(repaired?.lost.toSorted()).toEqual(broken.map((n) => people[n]).toSorted());
        expect(await repairStore(dataFolder, { now })).toBeUndefined();
      }),
      { numRuns: 10 },
    );
  });

  test("fits together: an effect that the record does not tell of is left out, one that is missing is there again", async () => {
    const { dataFolder, folder } = await filled();
    const level = new Level<string, string>(folder);
    await level.open();
    await level.del(keys.effect(first, 7, 0));
    await level.del(keys.timer(first, "retry"));
    await level.del(keys.record(second));
    await level.close();
    expect((await inspectFolder(folder)).damage).toEqual([
      "the store is damaged: it has 59 of the 60 actors that were written",
    ]);
    expect(await repairStore(dataFolder, { now })).toMatchObject({ lost: [second] });
    const after = await contentOf(folder);
    const effects = [...after.keys()].filter((key) => key.startsWith(`o|${first}|`));
    expect(effects).toHaveLength(1);
    expect(after.has(keys.timer(first, "retry"))).toBe(true);
    expect([...after.keys()].filter((key) => key.split("|")[1] === second && !key.startsWith("i|"))).toEqual([]);
  });
});

test("a store that is whole is left alone", async () => {
  const { dataFolder, folder } = await filled();
  const identity = await readIdentity(folder);
  expect(await repairStore(dataFolder, { now })).toBeUndefined();
  expect(await readIdentity(folder)).toEqual(identity);
});

test("a store of which nothing is left is not replaced by an empty one", async () => {
  const { dataFolder, folder } = await filled();
  await rm(folder, { recursive: true });
  await expect(repairStore(dataFolder, { now })).rejects.toMatchObject({
    name: "StoreUnavailable",
    remedy: expect.stringContaining("Restore a backup"),
  });
  expect(await readdir(dataFolder)).toEqual(["store.identity"]);
});

test("a damaged store that is a link to where there is more room stays there as it is", async () => {
  const { dataFolder, folder } = await filled();
  const elsewhere = join(await temporaryFolder("elsewhere"), "store");
  await cp(folder, elsewhere, { recursive: true });
  await rm(folder, { recursive: true });
  await symlink(elsewhere, folder);
  await rm(join(elsewhere, "CURRENT"));
  const before = await contentsIn(elsewhere);
  expect(await repairStore(dataFolder, { now })).toMatchObject({ records: 60 });
  expect(await contentsIn(elsewhere)).toEqual(before);
  expect(await repairStore(dataFolder, { now })).toBeUndefined();
});

/** By name, without what LevelDB notes of each look at it. */
async function contentsIn(folder: string): Promise<Record<string, string>> {
  const contents = (await filesOf(folder, /^(?!LO)/)).map(async (file) => [file, await readFile(file, "base64")]);
  return Object.fromEntries(await Promise.all(contents));
}

test("two stores that are repaired in one second are both kept", async () => {
  const { dataFolder, folder } = await filled();
  for (const suffix of ["", "-2"]) {
    await rm(join(folder, "CURRENT"));
    const aside = `${folder}.before-repair-20261126T120000${suffix}`;
    expect((await repairStore(dataFolder, { now }))?.moved).toEqual([aside, `${aside}.identity`]);
    expect(await filesOf(aside, /\.(ldb|log)$/)).not.toEqual([]);
  }
});

test("a store that a process has open is left alone", async () => {
  const { dataFolder, folder } = await filled();
  const database = await openDatabase(folder);
  await expect(repairStore(dataFolder, { now })).rejects.toMatchObject({ kind: "taken" });
  await database.close();
});
