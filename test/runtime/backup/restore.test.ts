import { mkdir, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { describe, expect, test } from "vitest";
import { actorId } from "../../../src/runtime/actor-id.ts";
import { OpenStorage } from "../../../src/runtime/backup/open-storage.ts";
import { restoreStore } from "../../../src/runtime/backup/restore.ts";
import { keys } from "../../../src/runtime/embedded/keys.ts";
import { openStore } from "../../../src/runtime/embedded/open.ts";
import { readIdentity } from "../../../src/runtime/embedded/store/identity.ts";
import { put, type Store } from "../../../src/runtime/embedded/store.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const anna = actorId("town", "person", "anna");
const ben = actorId("town", "person", "ben");
const never = new AbortController().signal;
const now = () => Date.UTC(2026, 10, 26, 12, 0, 0);

interface Place {
  readonly dataFolder: string;
  readonly file: string;
}

async function withStore<T>(dataFolder: string, use: (store: Store) => Promise<T>): Promise<T> {
  const { store, close } = await openStore(join(dataFolder, "store"), (error) => {
    throw error;
  });
  try {
    return await use(store);
  } finally {
    await close();
  }
}

async function rowsIn(dataFolder: string): Promise<Map<string, string>> {
  return withStore(dataFolder, async (store) => {
    const rows = await Array.fromAsync(store.scan(""));
    return new Map(rows.filter(([key]) => !key.startsWith("m|")));
  });
}

/** A data folder with a store, and a backup of it. */
async function backedUp(): Promise<Place> {
  const folder = await temporaryFolder("restore");
  const dataFolder = join(folder, "data");
  await mkdir(dataFolder);
  const file = join(folder, "backup");
  await writeFile(join(dataFolder, "instance-secret"), "the secret");
  await withStore(dataFolder, async (store) => {
    await store.commit([
      put(keys.record(anna), { a: 1 }),
      put(keys.inbox(ben, 7), { stimulus: { kind: "start" }, crashes: 0 }),
      put(keys.deadLetter(anna, 9), { at: 1 }),
      put(keys.vault("token"), "a token"),
      put(keys.backlog(anna, 3), { event: { type: "PUSHED" }, id: "$held" }),
    ]);
    await storageOf(dataFolder, store).backUp(file, never);
  });
  return { dataFolder, file };
}

function storageOf(dataFolder: string, store: Store): OpenStorage {
  return new OpenStorage({ dataFolder, store, files: ["instance-secret"], now });
}

async function throwAway(dataFolder: string): Promise<void> {
  await rm(dataFolder, { recursive: true });
}

/** What an actor finds in its inbox after it was restored. */
function restoredIn(rows: ReadonlyMap<string, string>): Map<string, unknown> {
  const events = [...rows].filter(([key, value]) => key.startsWith("i|") && value.includes('"restored"'));
  return new Map(events.map(([key, value]) => [key, Reflect.get(Object(JSON.parse(value)), "stimulus")]));
}

describe("a backup of a running store", () => {
  test("is of one moment, and holds up no commit", async () => {
    const folder = await temporaryFolder("restore");
    const file = join(folder, "backup");
    await withStore(folder, async (store) => {
      let committed = 0;
      const commit = (): Promise<void> => {
        const value = ++committed;
        return store.commit(Array.from({ length: 500 }, (_, n) => put(`s|town/person/anna|${n}`, value)));
      };
      await commit();
      const backup = storageOf(folder, store).backUp(file, never);
      let during = 0;
      while (!(await Promise.race([backup.then(() => true), commit().then(() => false)]))) during++;
      expect(during).toBeGreaterThan(0);
      await commit();
    });
    await restoreStore(folder, file, { replace: true, now });
    const values = new Set(
      [...(await rowsIn(folder))].flatMap(([key, value]) => (key.startsWith("s|") ? [value] : [])),
    );
    expect(values.size).toBe(1);
  });

  test("ends when nobody wants it any more, and leaves nothing", async () => {
    const folder = await temporaryFolder("restore");
    await withStore(folder, async (store) => {
      const storage = storageOf(folder, store);
      await expect(storage.backUp(join(folder, "backup"), AbortSignal.abort(new Error("enough")))).rejects.toThrow(
        "enough",
      );
    });
    expect(await readdir(folder)).not.toContain("backup");
  });
});

describe("a running store that is damaged", () => {
  /** Which LevelDB has opened, and of which it cannot read a table. */
  async function withBadTable(use: (storage: OpenStorage, dataFolder: string, store: Store) => Promise<void>) {
    const dataFolder = await temporaryFolder("restore");
    const many = Array.from({ length: 500 }, (_, n) => put(keys.journal(anna, n), "said ".repeat(100)));
    await withStore(dataFolder, (store) => store.commit(many));
    await withStore(dataFolder, async (store) => {
      const folder = join(dataFolder, "store");
      const [table = ""] = (await readdir(folder)).filter((name) => name.endsWith(".ldb"));
      const file = await open(join(folder, table), "r+");
      await file.write(Buffer.alloc(600, 0xff), 0, 600, 500);
      await file.close();
      await use(storageOf(dataFolder, store), dataFolder, store);
    });
  }

  test("is not backed up, and it is the store that is said to be damaged, with what to do", async () => {
    await withBadTable(async (storage, dataFolder) => {
      await expect(storage.backUp(join(dataFolder, "backup"), never)).rejects.toMatchObject({
        name: "StoreUnavailable",
        kind: "damaged",
        remedy: expect.stringContaining("letta-matrix repair"),
      });
      expect(await readdir(dataFolder)).not.toContain("backup");
    });
  });

  test("is inspected as far as it goes", async () => {
    await withBadTable(async (storage) => {
      expect(await storage.inspect(undefined, never)).toMatchObject({
        store: { epoch: 0 },
        damage: ["the store is damaged: the store cannot be read"],
      });
    });
  });

  test("has its damaged rows counted, and all others behind them", async () => {
    const dataFolder = await temporaryFolder("restore");
    const rows = ["a", "b", "c"].map((id) => put(keys.seen(anna, id), 1));
    await withStore(dataFolder, (store) => store.commit(rows));
    const level = new Level<string, string>(join(dataFolder, "store"));
    await level.open();
    await level.put(keys.seen(anna, "b"), "wrong");
    await level.close();
    await withStore(dataFolder, async (store) => {
      expect(await storageOf(dataFolder, store).inspect(undefined, never)).toMatchObject({
        ranges: expect.arrayContaining([expect.objectContaining({ kind: "taken events", rows: 3, damaged: 1 })]),
        damaged: [keys.seen(anna, "b")],
        damage: ["some of its rows are not what was written there"],
      });
    });
  });
});

test("a backup of a store that is closed meanwhile says so", async () => {
  const dataFolder = await temporaryFolder("restore");
  const { store, close } = await openStore(join(dataFolder, "store"), () => undefined);
  await store.commit(Array.from({ length: 5_000 }, (_, n) => put(keys.journal(anna, n), "said ".repeat(100))));
  let rows = 0;
  const closing: Pick<Store, "scan"> = {
    async *scan(prefix, after) {
      for await (const row of store.scan(prefix, after)) {
        yield row;
        if (++rows === 1) await close();
      }
    },
  };
  const storage = new OpenStorage({ dataFolder, store: closing, files: [], now });
  const refused = { name: "StoreUnavailable", kind: "closed", message: "the store was closed meanwhile" };
  await expect(storage.backUp(join(dataFolder, "backup"), never)).rejects.toMatchObject(refused);
});

describe("a restored store", () => {
  test("has all that was backed up, and is another store", async () => {
    const { dataFolder, file } = await backedUp();
    const before = await rowsIn(dataFolder);
    const identity = await readIdentity(join(dataFolder, "store"));
    await throwAway(dataFolder);
    expect(await restoreStore(dataFolder, file, { now })).toMatchObject({ rows: 5, records: 1, epoch: 1, moved: [] });
    const after = await rowsIn(dataFolder);
    for (const key of restoredIn(after).keys()) after.delete(key);
    // What was held may have been answered since: the actor looks for itself.
    expect(before.delete(keys.backlog(anna, 3))).toBe(true);
    expect(after).toEqual(before);
    const restored = await readIdentity(join(dataFolder, "store"));
    expect(restored).toMatchObject({ epoch: 1 });
    expect(restored?.id).not.toBe(identity?.id);
    expect(await readFile(join(dataFolder, "instance-secret"), "utf8")).toBe("the secret");
    expect((await stat(join(dataFolder, "instance-secret"))).mode & 0o777).toBe(0o600);
    expect((await readdir(dataFolder)).toSorted()).toEqual(["instance-secret", "store", "store.identity"]);
  });

  test("tells each actor that it was, after whatever else the actor has to take", async () => {
    const { dataFolder, file } = await backedUp();
    await throwAway(dataFolder);
    await restoreStore(dataFolder, file, { now });
    const identity = await readIdentity(join(dataFolder, "store"));
    const stimulus = { kind: "event", event: { type: "restored", store: identity?.id } };
    expect(restoredIn(await rowsIn(dataFolder))).toEqual(
      new Map([
        [keys.inbox(ben, 10), stimulus],
        [keys.inbox(anna, 11), stimulus],
      ]),
    );
  });

  test("counts how often it was, also when the one before it is thrown away", async () => {
    const { dataFolder, file } = await backedUp();
    const ids = new Set<string | undefined>();
    for (const epoch of [1, 2, 3]) {
      await rm(join(dataFolder, "store"), { recursive: true });
      const { moved } = await restoreStore(dataFolder, file, { now: () => now() + epoch * 1_000 });
      expect(moved).toHaveLength(1);
      const identity = await readIdentity(join(dataFolder, "store"));
      expect(identity?.epoch).toBe(epoch);
      ids.add(identity?.id);
    }
    expect(ids.size).toBe(3);
  });
});

describe("a restore is refused, and leaves everything as it was,", () => {
  async function refused({ dataFolder, file }: Place, replace: boolean, why: object): Promise<void> {
    const before = await readdir(dataFolder);
    await expect(restoreStore(dataFolder, file, { replace, now })).rejects.toMatchObject(why);
    expect(await readdir(dataFolder)).toEqual(before);
  }

  test("when a store is there", async () => {
    const place = await backedUp();
    await refused(place, false, { name: "BackupUnusable", remedy: expect.stringContaining("--replace") });
    await rowsIn(place.dataFolder);
  });

  test("when another instance's secret is there", async () => {
    const place = await backedUp();
    await rm(join(place.dataFolder, "store"), { recursive: true });
    await writeFile(join(place.dataFolder, "instance-secret"), "another");
    await refused(place, false, { remedy: expect.stringContaining("--replace") });
  });

  test.each([false, true])("when a process has the store open", async (replace) => {
    const place = await backedUp();
    await withStore(place.dataFolder, () => refused(place, replace, { name: expect.any(String) }));
    await rowsIn(place.dataFolder);
  });

  test("when the backup is not whole", async () => {
    const place = await backedUp();
    await truncate(place.file, (await readFile(place.file)).length - 5);
    await rm(join(place.dataFolder, "store"), { recursive: true });
    await refused(place, true, { name: "BackupUnusable" });
  });
});

test("with --replace, what is in the way is moved aside, and still there", async () => {
  const { dataFolder, file } = await backedUp();
  await withStore(dataFolder, (store) => store.commit([put(keys.vault("newer"), "1")]));
  await writeFile(join(dataFolder, "instance-secret"), "another");
  const { moved } = await restoreStore(dataFolder, file, { replace: true, now });
  const suffix = "before-restore-20261126T120000";
  expect(moved).toEqual([
    join(dataFolder, `store.${suffix}`),
    join(dataFolder, `store.${suffix}.identity`),
    join(dataFolder, `instance-secret.${suffix}`),
  ]);
  expect(await readFile(join(dataFolder, `instance-secret.${suffix}`), "utf8")).toBe("another");
  expect(await readFile(join(dataFolder, "instance-secret"), "utf8")).toBe("the secret");
  const { store, close } = await openStore(join(dataFolder, `store.${suffix}`), () => undefined, { create: false });
  expect(store.get(keys.vault("newer"))).toBe('"1"');
  await close();
  expect((await rowsIn(dataFolder)).has(keys.vault("newer"))).toBe(false);
});
