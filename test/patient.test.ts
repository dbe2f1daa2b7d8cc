import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { instanceSecret } from "../src/config/instance-secret.ts";
import { addressOf } from "../src/machines/addresses.ts";
import { patientOf } from "../src/patient.ts";
import { openDatabase, openStore } from "../src/runtime/embedded/open.ts";
import { config } from "./commands/doctor/healthy.ts";
import { FakeLetta } from "./ports/fake-letta.ts";

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "patient-"));
  folder = join(parent, "data");
});
afterEach(() => rm(parent, { recursive: true }));

const dataIn = (dataFolder: string) => patientOf({ ...config, dataFolder }, new FakeLetta()).data;

const record = {
  format: 1,
  machine: "agent",
  version: 1,
  value: "idle",
  status: "active",
  history: {},
  children: {},
  timers: {},
  revision: 1,
  generation: 1,
  at: 1,
};

describe("the data folder", () => {
  test("that is not there yet can be used, and is not made by looking", async () => {
    const data = dataIn(folder);
    await data.folder();
    expect(await data.store()).toBeUndefined();
    expect(await data.secret()).toBe("none");
    await data.socket();
    expect(await readdir(parent)).toEqual([]);
  });

  test("in whose place a file stands cannot be used", async () => {
    await writeFile(folder, "");
    await expect(dataIn(folder).folder()).rejects.toMatchObject({ message: expect.stringContaining("is no folder") });
    await expect(dataIn(join(folder, "below")).folder()).rejects.toMatchObject({
      message: expect.stringContaining("cannot be used"),
    });
  });
});

describe("the store", () => {
  async function filled(rows: Readonly<Record<string, unknown>>) {
    await mkdir(folder);
    const database = await openDatabase(join(folder, "store"));
    const writes = Object.entries(rows).map(([key, value]) => ({
      type: "put" as const,
      key,
      value: JSON.stringify(value),
    }));
    await database.batch(writes, { sync: true });
    return database;
  }

  test("tells which agents have a room, and which records cannot be read", async () => {
    const [housed, homeless] = [addressOf.agent("example.org", "agent-1"), addressOf.agent("example.org", "agent-2")];
    const database = await filled({
      [`r|${housed}`]: { ...record, id: housed, context: { roomId: "!1:example.org" } },
      [`r|${homeless}`]: { ...record, id: homeless, context: { roomId: null } },
      "r|broken": { format: 1 },
      "v|login": "not a record",
    });
    await database.close();
    expect(await dataIn(folder).store()).toEqual({ housed: ["agent-1"], unreadable: ["broken"] });
  });

  test("that another process has open is locked", async () => {
    const database = await filled({});
    await expect(dataIn(folder).store()).rejects.toMatchObject({
      message: expect.stringContaining("is open in another process"),
      remedy: "stop the other process first",
    });
    await database.close();
  });

  test.each(["CURRENT", "MANIFEST"])("whose %s is garbage is damaged", async (name) => {
    await (await filled({ "r|a": record })).close();
    const store = join(folder, "store");
    const file = (await readdir(store)).find((candidate) => candidate.startsWith(name)) ?? "";
    await writeFile(join(store, file), "garbage");
    await expect(dataIn(folder).store()).rejects.toMatchObject({ name: "StoreUnavailable" });
  });

  test("whose CURRENT is gone is damaged, and not taken for a new one", async () => {
    await (await filled({ "r|a": record })).close();
    await rm(join(folder, "store", "CURRENT"));
    const files = await readdir(join(folder, "store"));
    await expect(openStore(join(folder, "store"), () => undefined)).rejects.toThrow("CURRENT, which is gone");
    expect(await readdir(join(folder, "store"))).toEqual(files);
    await expect(dataIn(folder).store()).rejects.toMatchObject({ message: expect.stringContaining("damaged") });
  });
});

test("a store whose making was cut off by a kill is none yet, and is made anew", async () => {
  const store = join(folder, "store");
  await mkdir(store, { recursive: true });
  await writeFile(join(store, "MANIFEST-000001"), "");
  expect(await dataIn(folder).store()).toBeUndefined();
  await (await openStore(store, () => undefined)).close();
  expect(await dataIn(folder).store()).toEqual({ housed: [], unreadable: [] });
});

test("a damaged instance secret is told from one that is right, and from none", async () => {
  await mkdir(folder);
  await instanceSecret(folder);
  expect(await dataIn(folder).secret()).toBe("right");
  await writeFile(join(folder, "instance-secret"), "half");
  await expect(dataIn(folder).secret()).rejects.toMatchObject({ name: "InstanceSecretDamaged" });
});

describe("the control socket's place", () => {
  test("may be taken by another process, or by something else", async () => {
    await mkdir(folder);
    const path = join(folder, "control.sock");
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once("listening", resolve));
    await expect(dataIn(folder).socket()).rejects.toMatchObject({ message: `another process listens at ${path}` });
    await new Promise((resolve) => server.close(resolve));
    await dataIn(folder).socket();
    await writeFile(path, "");
    await expect(dataIn(folder).socket()).rejects.toMatchObject({ message: expect.stringContaining("in the way") });
  });

  test("may be too deep for a socket", async () => {
    await expect(dataIn(join(folder, "x".repeat(120))).socket()).rejects.toMatchObject({
      remedy: "Choose a data_folder with a shorter path.",
    });
  });
});
