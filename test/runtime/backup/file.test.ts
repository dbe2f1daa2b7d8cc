import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { checkBackup, type Entry, headerOf, rowsOf, writeBackup } from "../../../src/runtime/backup/file.ts";
import { newIdentity } from "../../../src/runtime/embedded/store/identity.ts";
import { temporaryFolder } from "../temporary-folder.ts";

// Much is tried here: on a busy machine it takes its time.
vi.setConfig({ testTimeout: 60_000 });

const about = { store: newIdentity(0), at: "2026-11-26T00:00:00.000Z", files: { "instance-secret": "s3cret" } };
const some: readonly Entry[] = [
  ["r|town/person/anna", '{"a":1}'],
  ["s|town/person/anna|$event", "1"],
  ["v|token", "a token"],
];

async function* each(rows: readonly Entry[]): AsyncGenerator<Entry> {
  yield* rows;
}

async function written(rows: readonly Entry[] = some): Promise<string> {
  const file = join(await temporaryFolder("backup"), "backup");
  await writeBackup(file, about, each(rows));
  return file;
}

describe("a backup", () => {
  test("gives back every row, whatever stands in it, without those that are about the store itself", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(text, text, { noNullPrototype: true }), async (dictionary) => {
        const rows = Object.entries(dictionary)
          .map(([key, value]): Entry => [`r|${key}`, value])
          .sort(([one], [other]) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
        const file = await written([["m|head", "marks"], ...rows]);
        expect(await Array.fromAsync(rowsOf(file))).toEqual(rows);
        expect(await checkBackup(file)).toEqual({
          store: about.store,
          at: about.at,
          rows: rows.length,
          records: rows.length,
        });
      }),
      { numRuns: 50 },
    );
  });

  test("is readable for its owner only, has the secrets, and leaves nothing else behind", async () => {
    const file = await written();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await headerOf(file)).files).toEqual(about.files);
    expect(await readdir(dirname(file))).toEqual(["backup"]);
  });

  test("of which any end is missing is refused", async () => {
    const file = await written();
    const whole = await readFile(file);
    for (let length = 0; length < whole.length; length++) {
      await writeFile(file, whole.subarray(0, length));
      await expect(checkBackup(file), `${length}`).rejects.toMatchObject({ name: "BackupUnusable" });
    }
  });

  test("in which any bit has changed is refused", async () => {
    const file = await written();
    const whole = await readFile(file);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(file, changed);
      await expect(checkBackup(file), `${at}`).rejects.toMatchObject({ name: "BackupUnusable" });
    }
  });

  test("to which something was added, or that has a row twice, is refused", async () => {
    const file = await written();
    const whole = await readFile(file, "utf8");
    await writeFile(file, `${whole}["z|","1"]\n`);
    await expect(checkBackup(file)).rejects.toThrow("something follows its end");
    const twice = await written([
      ["r|a", "1"],
      ["r|a", "2"],
    ]);
    await expect(checkBackup(twice)).rejects.toThrow("out of place");
  });

  test("of a newer version is not read as if it were of this one", async () => {
    const file = await written();
    await writeFile(file, (await readFile(file, "utf8")).replace('"format":1', '"format":2'));
    await expect(checkBackup(file)).rejects.toThrow("was made by a newer version");
  });

  test("never replaces a file, and is not there when it could not be finished", async () => {
    const file = await written();
    const whole = await readFile(file);
    await expect(writeBackup(file, about, each([]))).rejects.toThrow("is there already");
    expect(await readFile(file)).toEqual(whole);
    async function* broken(): AsyncGenerator<Entry> {
      yield ["r|a", "1"];
      throw new Error("the row r|b of the store is not what was written there");
    }
    await expect(writeBackup(`${file}-2`, about, broken())).rejects.toThrow("the row r|b");
    expect(await readdir(dirname(file))).toEqual(["backup"]);
    await expect(writeBackup(join(file, "nowhere"), about, each([]))).rejects.toMatchObject({
      name: "BackupUnusable",
      message: expect.stringContaining("ENOTDIR"),
    });
  });

  test("does not tell in an error what stands in it", async () => {
    const file = await written([["r|a", "what a person said"]]);
    await writeFile(file, (await readFile(file, "utf8")).replace('"what', "what"));
    const error: unknown = await checkBackup(file).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "BackupUnusable" });
    expect(String(error) + String(Reflect.get(Object(error), "cause"))).not.toContain("a person said");
  });
});
