import { execFile } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { actorId } from "../../../src/runtime/actor-id.ts";
import { OpenStorage } from "../../../src/runtime/backup/open-storage.ts";
import { repairStore } from "../../../src/runtime/backup/repair.ts";
import { restoreStore } from "../../../src/runtime/backup/restore.ts";
import { keys } from "../../../src/runtime/embedded/keys.ts";
import { openStore } from "../../../src/runtime/embedded/open.ts";
import { put } from "../../../src/runtime/embedded/store.ts";
import { recordOf } from "../../actors/agent-record.ts";
import { temporaryFolder } from "../temporary-folder.ts";

// A process for each place at which it may be cut off: on a busy machine it takes its time.
vi.setConfig({ testTimeout: 60_000 });

const people = Array.from({ length: 5 }, (_, n) => actorId("town", "person", `${n}`));
const never = new AbortController().signal;

interface Place {
  readonly dataFolder: string;
  readonly file: string;
}

/** A data folder with a store that is damaged, beside another instance's secret, and a backup of what it was. */
async function place(): Promise<Place> {
  const dataFolder = await temporaryFolder("cut-off");
  const file = join(await temporaryFolder("cut-off-backup"), "backup");
  const { store, close } = await openStore(join(dataFolder, "store"), () => undefined);
  await store.commit(people.map((id) => put(keys.record(id), recordOf({ id, machine: "person" }))));
  await writeFile(join(dataFolder, "instance-secret"), "the secret");
  await new OpenStorage({ dataFolder, files: ["instance-secret"], store, now: () => 0 }).backUp(file, never);
  await close();
  await writeFile(join(dataFolder, "instance-secret"), "another");
  await rm(join(dataFolder, "store", "CURRENT"));
  return { dataFolder, file };
}

/** What the next start finds, which would make a store where there seems to be none. */
async function started(dataFolder: string): Promise<string> {
  try {
    const { store, close } = await openStore(join(dataFolder, "store"), () => undefined);
    const rows = await Array.fromAsync(store.scan("r|"));
    await close();
    return `${rows.length} actors`;
  } catch (error) {
    return String(Reflect.get(Object(error), "kind"));
  }
}

async function run(what: string, how: string, nth: number, { dataFolder, file }: Place): Promise<unknown> {
  const child = join(import.meta.dirname, "cut-off", "child.ts");
  const args = [child, what, how, `${nth}`, dataFolder, file];
  const killed = { stdout: '"killed"' };
  const { stdout } = await promisify(execFile)(process.execPath, args).catch(() => killed);
  return JSON.parse(stdout);
}

async function contentOf(folder: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  // LevelDB notes there that it was looked at.
  for (const name of await readdir(folder, { recursive: true }))
    if (!/\/(LOG|LOCK)/.test(name)) content[name] = await readFile(join(folder, name), "utf8").catch(() => "");
  return content;
}

const tasks = ["restore", "repair"] as const;
/** How often each renames something at most. */
const most = 6;

describe("cut off wherever it puts something in its place,", () => {
  test.each(tasks)("%s leaves what the next start refuses, or all of it, never an empty store", async (what) => {
    const found = new Set<string>();
    for (let nth = 1; nth <= most; nth++) {
      const at = await place();
      const outcome = await run(what, "kill", nth, at);
      const after = await started(at.dataFolder);
      expect([`${outcome} ${nth}`, after]).toEqual([
        `${outcome} ${nth}`,
        outcome === "killed" ? "damaged" : "5 actors",
      ]);
      found.add(after);
      // It can be done once more, and then all is there.
      if (what === "restore") await restoreStore(at.dataFolder, at.file, { replace: true });
      else await repairStore(at.dataFolder);
      expect(await started(at.dataFolder)).toBe("5 actors");
      const secret = await readFile(join(at.dataFolder, "instance-secret"), "utf8");
      expect(secret).toBe(what === "restore" ? "the secret" : "another");
    }
    expect([...found].toSorted()).toEqual(["5 actors", "damaged"]);
  });
});

describe("what fails wherever it puts something in its place", () => {
  test.each(tasks)("is undone by %s, which says why", async (what) => {
    let failures = 0;
    for (let nth = 1; nth <= most; nth++) {
      const at = await place();
      const before = await contentOf(at.dataFolder);
      const outcome = await run(what, "fail", nth, at);
      if (Reflect.get(Object(outcome), "renames") !== undefined) continue;
      failures++;
      expect(outcome).toMatchObject({
        name: "StoreUnavailable",
        kind: "closed",
        message: expect.stringContaining("EIO"),
        remedy: expect.stringContaining("mend or replace"),
      });
      expect(await contentOf(at.dataFolder)).toEqual(before);
    }
    expect(failures).toBeGreaterThan(2);
  });
});
