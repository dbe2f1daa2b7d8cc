import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { chmod, mkdir, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Level } from "level";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/runtime/embedded/open.ts";
import { readIdentity } from "../../src/runtime/embedded/store/identity.ts";
import { seal, unseal } from "../../src/runtime/embedded/store/seal.ts";
import { cannotRead } from "../../src/runtime/embedded/store/unavailable.ts";
import type { Write } from "../../src/runtime/embedded/store.ts";
import { filesOf, losses } from "./losses.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const put = (key: string, value: string): Write => ({ type: "put", key, value });
const actors = Array.from({ length: 300 }, (_, n) => `r|town/person/${String(n).padStart(3, "0")}`);

/** A store with much in its tables and the last commits in its log only. */
async function filled(): Promise<string> {
  const folder = join(await temporaryFolder("integrity"), "store");
  const first = await openDatabase(folder);
  // In many batches, with what LevelDB cannot compress, so that there are several blocks.
  for (const key of actors) await first.batch([put(key, key.repeat(20) + Math.random())], { sync: false });
  await first.batch([put("v|token", "secret")], { sync: true });
  await first.close();
  // Opening moves what is in the log into a table.
  const second = await openDatabase(folder);
  await second.batch([put("s|town/person/001|$event", "1")], { sync: true });
  await second.batch([put(actors[0] ?? "", "the newest")], { sync: true });
  await second.close();
  return folder;
}

async function overwrite(file: string, position: number, change: (byte: number) => number): Promise<void> {
  const handle = await open(file, "r+");
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, position);
  await handle.write(Buffer.from([change(byte[0] ?? 0)]), 0, 1, position);
  await handle.close();
}

const noticed: typeof losses = {
  ...losses,
  "whose log is gone": async (folder) => {
    for (const file of await filesOf(folder, /\.log$/)) await rm(file);
  },
  "one of whose tables was cut off": async (folder) => {
    for (const file of await filesOf(folder, /\.ldb$/))
      await truncate(file, Math.floor((await readFile(file)).length / 2));
  },
  "in whose folder nothing is left": (folder) => rm(folder, { recursive: true }),
  "whose files are all empty": async (folder) => {
    for (const file of await filesOf(folder, /./)) await truncate(file, 0);
  },
  "beside whose folder the identity of another stands": async (folder) => {
    const other = await filled();
    await writeFile(`${folder}.identity`, await readFile(`${other}.identity`));
  },
  "that is older than what was committed, as after a copy of the folder": async (folder) => {
    const before = new Map<string, Buffer>();
    for (const file of await filesOf(folder, /^(?!LOCK)/)) before.set(file, await readFile(file));
    const database = await openDatabase(folder);
    await database.batch([put("s|town/person/002|$event", "1")], { sync: true });
    await database.close();
    for (const file of await filesOf(folder, /./)) await rm(file);
    for (const [file, content] of before) await writeFile(file, content);
  },
};

describe("a store that has lost something is never opened as if it were whole", () => {
  it.each(Object.entries(noticed))("%s", async (_, lose) => {
    const folder = await filled();
    await lose(folder);
    for (const create of [false, true]) {
      const opened = openDatabase(folder, { create });
      await expect(opened).rejects.toMatchObject({
        name: "StoreUnavailable",
        kind: "damaged",
        remedy: expect.stringContaining("Restore the data folder"),
      });
    }
  });

  it("with a bit that has changed in a record", async () => {
    const folder = await filled();
    const text = randomUUID();
    const database = await openDatabase(folder);
    await database.batch([put(actors[150] ?? "", text)], { sync: true });
    await database.close();
    await (await openDatabase(folder)).close();
    let found = 0;
    for (const table of await filesOf(folder, /\.ldb$/)) {
      const at = (await readFile(table)).indexOf(text);
      if (at < 0) continue;
      found++;
      await overwrite(table, at + text.length - 1, (byte) => byte ^ 1);
    }
    expect(found).toBe(1);
    await expect(openDatabase(folder)).rejects.toMatchObject({ kind: "damaged" });
  });

  it("with an actor that LevelDB says nothing of any more", async () => {
    const folder = await filled();
    const level = new Level<string, string>(folder);
    await level.open();
    await level.del(actors[7] ?? "");
    await level.close();
    await expect(openDatabase(folder)).rejects.toThrow("it has 299 of the 300 actors that were written");
  });

  it("while one that lost nothing opens, also when its mark lags behind", async () => {
    const folder = await filled();
    const identity = await readFile(`${folder}.identity`, "utf8");
    const database = await openDatabase(folder);
    await database.batch([put("s|town/person/002|$event", "1")], { sync: true });
    await database.close();
    await writeFile(`${folder}.identity`, identity);
    const again = await openDatabase(folder);
    expect(again.getSync(actors[0] ?? "")).toBe("the newest");
    await again.close();
  });
});

describe("the mark of what a store holds", () => {
  it("tells of its last commit a second later at the latest, also where none comes after that", async () => {
    const folder = join(await temporaryFolder("integrity"), "store");
    const clock = new SimulatedClock();
    const database = await openDatabase(folder, { clock });
    for (let n = 0; n < 6; n++) await database.batch([put("s|town/person/001|$event", `${n}`)], { sync: true });
    clock.advance(1_000);
    const markOf = async () => (await readIdentity(folder))?.sequence;
    await expect.poll(markOf).toBe(7);
    await database.close();
    expect(await markOf()).toBe(7);
  });
});

/** What came of opening it as a user who is denied what the files' modes deny. */
async function openedByUser(folder: string): Promise<unknown> {
  const isSuperuser = process.getuid?.() === 0;
  if (isSuperuser) await promisify(execFile)("chown", ["-R", `${nobody}`, dirname(folder)]);
  const child = join(import.meta.dirname, "permissions", "child.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [child, folder, isSuperuser ? `${nobody}` : ""]);
  return JSON.parse(stdout);
}
const nobody = 65_534;

function tableOf(folder: string): string {
  return readdirSync(folder).find((name) => name.endsWith(".ldb")) ?? "";
}

describe("a store that the system does not let us open is not called damaged, which would throw it away", () => {
  const denied: Readonly<Record<string, (folder: string) => [string, number]>> = {
    "an identity that may not be read": (folder) => [`${folder}.identity`, 0o000],
    "an identity that may not be written": (folder) => [`${folder}.identity`, 0o400],
    "a folder that may not be read": (folder) => [folder, 0o000],
    "a CURRENT that may not be read": (folder) => [join(folder, "CURRENT"), 0o000],
    "a LOCK that may not be written": (folder) => [join(folder, "LOCK"), 0o000],
    "a table that may not be read": (folder) => [join(folder, tableOf(folder)), 0o000],
  };

  it.each(Object.entries(denied))("%s", async (_, deny) => {
    const folder = await filled();
    expect(await openedByUser(folder)).toEqual({ kind: "opened" });
    const [file, mode] = deny(folder);
    await chmod(file, mode);
    expect(await openedByUser(folder)).toMatchObject({
      kind: "taken",
      remedy: expect.stringContaining("to the user who runs the program"),
    });
    await chmod(file, 0o700);
    expect(await openedByUser(folder)).toEqual({ kind: "opened" });
  });

  it("an identity in whose place there is something else", async () => {
    const folder = await filled();
    await rm(`${folder}.identity`);
    await mkdir(`${folder}.identity`);
    await expect(openDatabase(folder)).rejects.toMatchObject({ kind: "closed" });
  });

  it.each([
    ["EROFS", "closed", "can be written"],
    ["EMFILE", "closed", "ulimit -n"],
    ["EIO", "closed", "mend or replace"],
    ["EPERM", "taken", "chown"],
    ["ENOSPC", "closed", "the disk may be full"],
  ])("%s says what to do", (code, kind, remedy) => {
    const error = Object.assign(new Error(code), { code, errno: -1 });
    expect(cannotRead("a file", error)).toMatchObject({ kind, remedy: expect.stringContaining(remedy), cause: error });
  });

  it("and where all that can be said is what the system said, that is said in so many words", () => {
    const cause = new Error("IO error: /data/store/LOCK: No space left on device");
    const error = Object.assign(new Error("Database failed to open", { cause }), { code: "X", errno: -1 });
    expect(cannotRead("the store", error).message).toBe(`the store cannot be read: ${cause.message}`);
  });

  it("while a file that LevelDB misses, and what is read and is wrong, is damage", () => {
    const missing = Object.assign(new Error("IO error: 000005.ldb: No such file or directory"), {
      code: "LEVEL_IO_ERROR",
    });
    for (const error of [missing, new SyntaxError("Unexpected token")])
      expect(cannotRead("a file", error)).toMatchObject({ kind: "damaged" });
  });
});

describe("what is read while it runs", () => {
  it("is what was written there, or an error that names the row", async () => {
    const folder = await filled();
    const level = new Level<string, string>(folder);
    await level.open();
    const [key, other] = ["s|town/person/001|$event", "s|town/person/001|$other"];
    // A row in another row's place is whole in itself.
    await level.put(other, (await level.get(key)) ?? "");
    await level.close();
    const database = await openDatabase(folder);
    expect(database.getSync(key)).toBe("1");
    expect(() => database.getSync(other)).toThrow(`the row ${other} of the store`);
    await expect(Array.fromAsync(database.iterator({ gte: "s|", lt: "t" }))).rejects.toMatchObject({
      name: "RowDamaged",
    });
    await database.close();
  });

  it.each(["", "x", "00000000", "000000001 x", "zzzzzzzz1 x"])("is not %j", (sealed) => {
    expect(() => unseal("key", sealed)).toThrow("the row key");
  });

  it.each(["", "text", "{}", " with spaces ", "Umläute 🦄"])("may be %j", (value) => {
    expect(unseal("key", seal("key", { value, sequence: 1_000_000 }))).toEqual({ value, sequence: 1_000_000 });
  });
});

describe("the count of records", () => {
  it("is right whatever one batch does to them", async () => {
    const folder = join(await temporaryFolder("integrity"), "store");
    const database = await openDatabase(folder);
    const del = (key: string): Write => ({ type: "del", key });
    await database.batch([put("r|a", "1"), put("r|a", "2"), put("r|b", "1"), del("r|b"), del("r|c")], { sync: true });
    await database.batch([del("r|a"), put("r|a", "3"), del("r|a"), put("r|d", "1")], { sync: true });
    await database.batch([put("r|d", "2"), put("r|e", "1")], { sync: true });
    await database.close();
    const again = await openDatabase(folder);
    expect((await Array.fromAsync(again.iterator({ gte: "r|", lt: "s" }))).map(([key]) => key)).toEqual(["r|d", "r|e"]);
    await again.close();
  });
});

describe("the first start", () => {
  it("may be cut off before the identity is written", async () => {
    const folder = join(await temporaryFolder("integrity"), "store");
    await (await openDatabase(folder)).close();
    await rm(`${folder}.identity`);
    const database = await openDatabase(folder);
    await database.batch([put("r|a", "1")], { sync: true });
    await database.close();
    await (await openDatabase(folder)).close();
  });

  it("takes over a store that was made before there were identities", async () => {
    const folder = join(await temporaryFolder("integrity"), "store");
    const level = new Level<string, string>(folder);
    await level.open();
    await level.batch([put("r|a", "1"), put("v|token", "secret")]);
    await level.close();
    await expect(openDatabase(folder, { create: false })).rejects.toMatchObject({ kind: "foreign" });
    for (const _ of ["first", "second"]) {
      const database = await openDatabase(folder);
      expect([database.getSync("r|a"), database.getSync("v|token")]).toEqual(["1", "secret"]);
      await database.close();
    }
  });

  it("does not take a newer version's store for its own", async () => {
    const folder = join(await temporaryFolder("integrity"), "store");
    await (await openDatabase(folder)).close();
    const identity = await readFile(`${folder}.identity`, "utf8");
    await writeFile(`${folder}.identity`, identity.replace('"format":1', '"format":2'));
    await expect(openDatabase(folder)).rejects.toMatchObject({
      kind: "foreign",
      remedy: expect.stringContaining("newer"),
    });
  });
});
