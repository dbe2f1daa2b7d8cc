import { execFile } from "node:child_process";
import { cp, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Level } from "level";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { maskedCrc32c } from "../../src/runtime/embedded/leveldb/crc32c.ts";
import { damagedFile, manifestIn, tableFiles } from "../../src/runtime/embedded/leveldb/files.ts";
import { assertLog } from "../../src/runtime/embedded/leveldb/log.ts";
import { unsnapped } from "../../src/runtime/embedded/leveldb/snappy.ts";
import { rowsOf, type TableRow } from "../../src/runtime/embedded/leveldb/table.ts";
import { openDatabase } from "../../src/runtime/embedded/open.ts";
import { Random } from "./laws/random.ts";
import { temporaryFolder } from "./temporary-folder.ts";

// Much is tried here: on a busy machine it takes its time.
vi.setConfig({ testTimeout: 60_000 });

/** A database of several tables, too few to be merged, with rows that were overwritten or deleted since. */
async function filled(): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), "letta-matrix-leveldb-")), "store");
  const random = new Random(7);
  for (let life = 0; life < 3; life++) {
    const level = new Level<string, string>(folder);
    await level.open();
    for (let n = 0; n < 300; n++) {
      const key = `r|${random.below(400)}`;
      if (random.chance(20)) await level.del(key);
      else
        await level.put(key, `${life} ${n} ${"said ".repeat(random.below(40))}${"\u{1f984}".repeat(random.below(3))}`);
    }
    await level.close();
  }
  // Opening makes a table of what is in the log.
  const level = new Level<string, string>(folder);
  await level.open();
  await level.close();
  return folder;
}

async function newestRows(folder: string): Promise<Map<string, TableRow>> {
  const newest = new Map<string, TableRow>();
  for await (const { bytes } of tableFiles(folder))
    for (const row of rowsOf(bytes)) {
      const known = newest.get(row.key);
      if (known === undefined || known.write < row.write) newest.set(row.key, row);
    }
  return newest;
}

let whole: string;
beforeAll(async () => {
  whole = await filled();
});
afterAll(() => rm(dirname(whole), { recursive: true }));

async function copied(): Promise<string> {
  const folder = join(await temporaryFolder("leveldb-copy"), "store");
  await cp(whole, folder, { recursive: true });
  return folder;
}

describe("LevelDB's tables", () => {
  it("have the rows that LevelDB gives, and know which were deleted", async () => {
    const newest = await newestRows(whole);
    const read = [...newest.values()].flatMap(({ key, value }) => (value === undefined ? [] : [[key, value] as const]));
    const level = new Level<string, string>(whole);
    await level.open();
    expect(new Map(read)).toEqual(new Map(await level.iterator().all()));
    await level.close();
    expect(newest.size).toBeGreaterThan(read.length);
  });

  it("are all whole where nothing has happened to them, and all of the store's", async () => {
    expect(await damagedFile(whole)).toBeUndefined();
    const numbers = await Array.fromAsync(tableFiles(whole), ({ number }) => number);
    expect(numbers.length).toBeGreaterThan(1);
    expect([...((await manifestIn(whole))?.tables ?? [])].toSorted()).toEqual(numbers.toSorted());
  });

  it("are damaged wherever a byte of a block has changed, also of the filter, by which LevelDB would miss rows", async () => {
    const folder = await copied();
    const [name = ""] = (await readdir(folder)).filter((file) => file.endsWith(".ldb"));
    const path = join(folder, name);
    const bytes = await readFile(path);
    const seen = { whole: 0, damaged: 0 };
    for (let at = 0; at < bytes.length; at += 97) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      await writeFile(path, changed);
      seen[(await damagedFile(folder)) === undefined ? "whole" : "damaged"]++;
    }
    // The index of indexes is only looked up by what is in it, and the end has room for longer numbers.
    expect(seen.whole).toBeLessThan(3);
    expect(seen.damaged).toBeGreaterThan(30);
  });

  it("that are left over, half written, are nobody's", async () => {
    const folder = await copied();
    const [name = ""] = (await readdir(folder)).filter((file) => file.endsWith(".ldb"));
    await cp(join(folder, name), join(folder, "999999.ldb"));
    await truncate(join(folder, "999999.ldb"), 500);
    expect(await damagedFile(folder)).toBeUndefined();
  });

  it("give the rows of all blocks that are whole, where one is not", async () => {
    const folder = await copied();
    const sizes = await Promise.all(
      (await readdir(folder)).map(async (name) => ({ name, size: (await stat(join(folder, name))).size })),
    );
    const [largest] = sizes.filter(({ name }) => name.endsWith(".ldb")).toSorted((a, b) => b.size - a.size);
    const path = join(folder, largest?.name ?? "");
    const before = [...rowsOf(await readFile(path))];
    const file = await open(path, "r+");
    await file.write(Buffer.alloc(100), 0, 100, 1_000);
    await file.close();
    const after = [...rowsOf(await readFile(path))];
    expect(after.length).toBeLessThan(before.length);
    expect(after.length).toBeGreaterThan(before.length / 2);
    expect(before).toEqual(expect.arrayContaining(after));
  });
});

describe("LevelDB's log", () => {
  /** A store with much in its log, each commit of which changes what is there already. */
  async function logged(): Promise<{ folder: string; log: string; bytes: Buffer }> {
    const folder = join(await temporaryFolder("leveldb-log"), "store");
    const database = await openDatabase(folder);
    for (let n = 0; n < 400; n++) {
      const value = JSON.stringify({ n, said: "said ".repeat(50) });
      await database.batch([{ type: "put", key: `r|town/person/${n % 10}`, value }], { sync: true });
    }
    await database.close();
    const [name = ""] = (await readdir(folder)).filter((file) => file.endsWith(".log"));
    const log = join(folder, name);
    return { folder, log, bytes: await readFile(log) };
  }

  it("is refused where something is missing in its midst, over which LevelDB passes without a word", async () => {
    const { folder, log, bytes } = await logged();
    const page = 4_096;
    for (const at of [page, 9 * page]) {
      const changed = Buffer.from(bytes).fill(0, at, at + page);
      await writeFile(log, changed);
      await expect(openDatabase(folder)).rejects.toMatchObject({
        kind: "damaged",
        message: expect.stringContaining(log),
      });
    }
    await writeFile(log, bytes);
    await (await openDatabase(folder)).close();
  });

  it("may lack any part of its last record, which was being written when the power went", async () => {
    const { folder, log, bytes } = await logged();
    await writeFile(log, bytes);
    const database = await openDatabase(folder);
    await database.batch([{ type: "put", key: "r|town/person/1", value: "x".repeat(200_000) }], { sync: true });
    await database.close();
    const [name = ""] = (await readdir(folder)).filter((file) => file.endsWith(".log"));
    const last = await readFile(join(folder, name));
    expect(last.length).toBeGreaterThan(200_000);
    for (const [from, to] of [
      [0, 4_096],
      [40_960, 45_056],
      [196_608, last.length],
    ] as const) {
      expect(() => assertLog(Buffer.from(last).fill(0, from, to))).not.toThrow();
      expect(() => assertLog(Buffer.concat([Buffer.from(last).fill(0, from, to), Buffer.alloc(32_768)]))).not.toThrow();
    }
  });

  it("may be cut off at its end, wherever that is, or end in what was never written", async () => {
    const { bytes } = await logged();
    expect(() => assertLog(bytes)).not.toThrow();
    for (let length = 0; length < bytes.length; length += 331)
      for (const tail of [0, 50, 9_000])
        expect(() => assertLog(Buffer.concat([bytes.subarray(0, length), Buffer.alloc(tail)]))).not.toThrow();
  });
});

describe("a checksum", () => {
  it("is the one that others make, turned as LevelDB turns it", () => {
    // RFC 3720: of 32 zeros 0x8a9136aa.
    const crc = 0x8a9136aa;
    expect(maskedCrc32c(Buffer.alloc(32))).toBe((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  });
});

describe("what was compressed", () => {
  it.each([
    ["literals", [5, 0x10, ...Buffer.from("hello")], "hello"],
    ["what is repeated while it is written", [8, 0x04, ...Buffer.from("ab"), 0x09, 2], "abababab"],
    ["what is further away", [6, 0x08, ...Buffer.from("abc"), 0x0a, 3, 0], "abcabc"],
  ])("is there again: %s", (_, bytes, text) => {
    expect(unsnapped(Buffer.from(bytes)).toString()).toBe(text);
  });

  it.each([
    ["ends too early", [5, 0x10, 1]],
    ["is shorter than it says", [9, 0x10, ...Buffer.from("hello")]],
    ["is longer than it says", [2, 0x10, ...Buffer.from("hello")]],
    ["repeats what is not there", [8, 0x04, ...Buffer.from("ab"), 0x09, 9]],
  ])("is refused where it %s", (_, bytes) => {
    expect(() => unsnapped(Buffer.from(bytes))).toThrow(expect.objectContaining({ name: "Malformed" }));
  });
});

describe("a store of which a page of the disk came back as zeros", () => {
  it("ends no process that opens, inspects or repairs it, and is refused until it is repaired", async () => {
    const child = join(import.meta.dirname, "zeros", "child.ts");
    const { stdout } = await promisify(execFile)(process.execPath, [child, await temporaryFolder("zeros")]);
    const { rounds, actors } = JSON.parse(stdout);
    expect(rounds).toHaveLength(12);
    for (const { opened, inspected, repaired, reopened } of rounds) {
      expect({ opened, inspected, reopened }).toEqual({ opened: "damaged", inspected: true, reopened: "opened" });
      expect(repaired).toBeGreaterThan(actors / 2);
    }
  });
});

/** Nothing of it is left in the way. */
it("a store with a damaged table that a process has open is not free", async () => {
  const child = join(import.meta.dirname, "zeros", "holder.ts");
  const dataFolder = await temporaryFolder("zeros-held");
  const { stdout } = await promisify(execFile)(process.execPath, [child, dataFolder]);
  expect(JSON.parse(stdout)).toEqual({ whileHeld: "taken", afterwards: "repaired" });
  expect((await readdir(dataFolder)).filter((name) => /lock|new|copy/.test(name))).toEqual([]);
  await rm(dataFolder, { recursive: true });
});
