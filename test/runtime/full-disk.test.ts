import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { instanceSecret } from "../../src/config/instance-secret.ts";
import { PasswordFile } from "../../src/config/password-file.ts";
import { actorId } from "../../src/runtime/actor-id.ts";
import { OpenStorage } from "../../src/runtime/backup/open-storage.ts";
import { repairStore } from "../../src/runtime/backup/repair.ts";
import { restoreStore } from "../../src/runtime/backup/restore.ts";
import { keys } from "../../src/runtime/embedded/keys.ts";
import { openStore } from "../../src/runtime/embedded/open.ts";
import { put, type Store, StoreFailed } from "../../src/runtime/embedded/store.ts";
import { recordOf } from "../actors/agent-record.ts";
import { couriers, type Delivered, deliverAll } from "./full-disk/deliveries.ts";
import { SmallDisk } from "./full-disk/small-disk.ts";
import { runs } from "./runs.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const mebibyte = 1024 * 1024;

function expectEachOnce({ taken, lines, outside }: Delivered, parcels: number): void {
  const numbers = Array.from({ length: parcels }, (_, n) => n);
  for (const to of couriers) {
    expect(taken[to]).toEqual(numbers);
    const named = (what: string) => numbers.map((n) => `${what}${to} ${n}`);
    expect(Array.isArray(lines) && lines.filter((line) => line.startsWith(`${to} `))).toEqual(named(""));
    for (const what of ["deliver ", "receipt "])
      expect(outside.filter((line) => line.startsWith(`${what}${to} `))).toEqual(named(what));
  }
}

describe("a store on a disk that becomes full", () => {
  const parcels = runs(100);
  let folder: string;
  let disk: ReturnType<typeof SmallDisk.mount>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "letta-matrix-full-"));
    disk = SmallDisk.mount(folder, 24);
  });
  afterAll(async () => {
    if (disk instanceof SmallDisk) disk.unmount();
    await rm(folder, { recursive: true });
  });

  it("keeps all that was acknowledged, refuses the rest, and goes on when there is room", {
    timeout: 60_000,
  }, async ({ skip }) => {
    if (!(disk instanceof SmallDisk)) return skip(disk.refused);
    const full = disk;
    const fills = [10, 40, 70];
    const [ann] = couriers;
    const delivered = await deliverAll({
      folder: join(folder, "store"),
      parcels,
      room: 8 * mebibyte,
      async beforeGiving(n, to) {
        if (to === ann && fills.includes(n)) await full.fill();
      },
      async onFull(tries) {
        if (tries % 3 === 0) await full.free();
      },
    });
    expectEachOnce(delivered, parcels);
    const { closed, reopened, vain, refused, reasons } = delivered;
    const times = fills.length;
    expect({ closed, reopened, vain }).toEqual({ closed: times, reopened: times, vain: 3 * times });
    expect(refused).toBeGreaterThan(3 * times);
    expect(reasons.join("\n")).toMatch(/StoreUnavailable: .*: IO error: .* No space left on device/);
  });
});

describe("a data folder on a full disk", () => {
  it("is taken as it was once there is room, however much of it could be written", { timeout: 60_000 }, async ({
    skip,
  }) => {
    const folder = await temporaryFolder("begun");
    const disk = SmallDisk.mount(folder, 2);
    if (!(disk instanceof SmallDisk)) return skip(disk.refused);
    onTestFinished(() => disk.unmount());
    const kinds = new Set<string>();
    // From nothing at all to more than the first start needs, page by page.
    for (let pages = 0; pages <= 24; pages++) {
      const data = join(folder, `data-${pages}`);
      await mkdir(data);
      await disk.fill(pages);
      // The second time it finds what the first has left.
      for (let start = 0; start < 2; start++) kinds.add(await beginIn(data));
      await disk.free();
      expect(await beginIn(data)).toBe("begun");
      await disk.fill(0);
      kinds.add(await beginIn(data));
      await disk.free();
      expect(await beginIn(data)).toBe("begun");
      await rm(data, { recursive: true });
    }
    expect([...kinds].toSorted()).toEqual(["ENOSPC", "begun", "closed"]);
  });
});

describe("a store that is opened while there is little room", () => {
  it("loses nothing of what was acknowledged, however far that comes", { timeout: 60_000 }, async ({ skip }) => {
    const folder = await temporaryFolder("little-room");
    // More than all rounds together write: they are too short for LevelDB to merge its tables.
    const disk = SmallDisk.mount(folder, 16);
    if (!(disk instanceof SmallDisk)) return skip(disk.refused);
    onTestFinished(() => disk.unmount());
    const acknowledged = new Map<string, string>();
    const outcomes = { opened: 0, closed: 0, failed: 0 };
    // From no room to enough for the log, its table, and some more.
    for (let pages = 0; pages <= 60; pages++) {
      await disk.fill(pages);
      const opened = await openStore(join(folder, "store"), () => undefined).catch((error: unknown) => {
        expect(error).toMatchObject({ name: "StoreUnavailable", kind: "closed" });
        outcomes.closed++;
        return undefined;
      });
      if (opened !== undefined) {
        outcomes.opened++;
        await writeUntilItFails(opened.store, pages, acknowledged);
        outcomes.failed++;
        await opened.close();
      }
      await disk.free();
      const { store, close } = await openStore(join(folder, "store"), () => undefined);
      for (const [key, value] of acknowledged) expect(store.get(key)).toBe(value);
      await close();
    }
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0);
  });
});

/** Notes what was acknowledged. */
async function writeUntilItFails(store: Store, round: number, acknowledged: Map<string, string>): Promise<void> {
  for (let n = 0; ; n++) {
    const key = `s|town/person/${n % 50}|$event`;
    const value = `${round} ${n} ${randomBytes(500).toString("base64")}`;
    try {
      await store.commit([{ type: "put", key, value }]);
    } catch (error) {
      expect(error).toBeInstanceOf(StoreFailed);
      // Of this one nobody knows.
      acknowledged.delete(key);
      return;
    }
    acknowledged.set(key, value);
  }
}

describe("a store that is restored, or repaired, on a full disk", () => {
  it.for(["restore", "repair"] as const)(
    "is as it was, or %s has kept all of it",
    { timeout: 60_000 },
    async (task, { skip }) => {
      const folder = await temporaryFolder("little-room");
      const disk = SmallDisk.mount(folder, 32);
      if (!(disk instanceof SmallDisk)) return skip(disk.refused);
      onTestFinished(() => disk.unmount());
      const file = join(await temporaryFolder("backup"), "backup");
      const outcomes = new Set<string>();
      // From no room at all to enough for several copies of it.
      for (let pages = 0; pages <= 7_000; pages += pages < 16 ? 4 : 200) {
        const data = join(folder, "data");
        await fillStore(data, file);
        await disk.fill(pages);
        const outcome = await doneIn(data, task === "restore" ? file : undefined);
        await disk.free();
        outcomes.add(outcome);
        expect((await readdir(data)).filter((name) => /new|copy|probe/.test(name))).toEqual([]);
        if (outcome === "closed") await repairStore(data);
        const { store, close } = await openStore(join(data, "store"), () => undefined);
        const records = await Array.fromAsync(store.scan("r|"));
        await close();
        expect([pages, records.length]).toEqual([pages, 40]);
        await rm(data, { recursive: true });
        await rm(file);
      }
      expect([...outcomes].toSorted()).toEqual(["closed", "done"]);
    },
  );
});

/** A store that LevelDB cannot open, most of it in its log, and a backup of what it was. */
async function fillStore(data: string, file: string): Promise<void> {
  await mkdir(data);
  for (const part of [0, 1]) {
    const { store, close } = await openStore(join(data, "store"), () => undefined);
    for (let n = 20 * part; n < 20 * (part + 1); n++) {
      const id = actorId("town", "person", `${n}`);
      const context = { said: randomBytes(part === 0 ? 500 : 40_000).toString("hex") };
      await store.commit([put(keys.record(id), recordOf({ id, machine: "person", context }))]);
    }
    if (part === 1) {
      const storage = new OpenStorage({ dataFolder: data, files: [], store, now: () => 0 });
      await storage.backUp(file, new AbortController().signal);
    }
    await close();
  }
  await rm(join(data, "store", "CURRENT"));
}

/** Restores the store from a file, or repairs it. Gives what became of that. */
async function doneIn(data: string, file: string | undefined): Promise<string> {
  try {
    await (file === undefined ? repairStore(data) : restoreStore(data, file, { replace: true }));
    return "done";
  } catch (error) {
    expect(error).toMatchObject({
      name: "StoreUnavailable",
      message: expect.stringMatching(/ENOSPC|No space left|cannot/),
    });
    return String(Reflect.get(Object(error), "kind"));
  }
}

/** Makes what a start makes, or finds it. Gives what became of that. */
async function beginIn(data: string): Promise<string> {
  try {
    await (await openStore(join(data, "store"), () => undefined)).close();
    await instanceSecret(data);
    await new PasswordFile(data).add("@admin:town", "a password");
    const passwords = await readFile(join(data, "passwords"), "utf8");
    expect(passwords).toBe("@admin:town a password\n");
    return "begun";
  } catch (error) {
    return String(Reflect.get(Object(error), "kind") ?? Reflect.get(Object(error), "code") ?? error);
  }
}

describe("a store whose files may not become larger", () => {
  it("is opened again whenever its log is as large as it may be", { timeout: 60_000 }, async () => {
    const parcels = runs(200);
    const folder = join(await temporaryFolder("file-limit"), "store");
    const script = join(import.meta.dirname, "full-disk", "child.ts");
    const kibibytes = 512;
    const command = `ulimit -f ${kibibytes}; exec "$@"`;
    const args = [process.execPath, script, folder, String(parcels), String(mebibyte / 4)];
    const { stdout } = await promisify(execFile)("bash", ["-c", command, "bash", ...args]);
    const delivered: Delivered = JSON.parse(stdout);
    expectEachOnce(delivered, parcels);
    const { closed, reopened, vain, reasons } = delivered;
    expect(reasons.join("\n")).toMatch(/StoreUnavailable: .*: IO error: .* File too large/);
    expect(closed).toBeGreaterThan(1);
    expect({ reopened, vain }).toEqual({ reopened: closed, vain: 0 });
  });
});
