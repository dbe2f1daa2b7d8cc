import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startModel } from "../servers/model.ts";
import { type DemoProcess, leftRunning, startDemo } from "./demo-process.ts";

/** One after the other on the same folder: each goes on where the one before has ended. */
describe("npm run demo", { timeout: 120_000 }, () => {
  let folder: string;
  const rooms = (output: string) => output.match(/#agent_\S+/g);
  const demos: DemoProcess[] = [];
  const start = async (...[args, env]: readonly [args?: readonly string[], env?: Readonly<Record<string, string>>]) => {
    const demo = await startDemo(folder, args, env);
    demos.push(demo);
    return demo;
  };
  let firstRooms: readonly string[] | null = null;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "demo-"));
  });
  afterEach(async () => {
    for (const demo of demos.splice(0)) await demo.kill("SIGKILL");
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("ends with a failure and in plain words when the model refuses, and keeps no key", async () => {
    const refusal = { status: 401, message: "This key opens nothing" };
    const model = await startModel({ name: "other", behaviour: () => ({ error: refusal }) });
    const key = "sk-not-a-real-key";
    const env = { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: key, DEMO_MODEL: "other" };
    const demo = await start(["--once"], env);
    expect(await demo.exited).toBe("exit status 1");
    await model.stop();
    expect(demo.output()).toContain(refusal.message);
    expect(demo.output()).toMatch(/Scout could not answer\. Check .*OPENAI_API_KEY/);
    expect(await leftRunning(folder)).toEqual([]);
    expect(await filesWith(key, folder)).toEqual([]);
    firstRooms = rooms(demo.output());
    expect(firstRooms).toHaveLength(3);
  });

  it("shows with --once how agents answer from their own memories, finds them again, and leaves nothing running", async () => {
    const demo = await start(["--once"]);
    expect(await demo.exited).toBe("exit status 0");
    const [, scout = "", librarian = ""] = demo.output().split("  You  ");
    for (const [answer, word] of [
      [scout, "juniper"],
      [librarian, "vellum"],
    ] as const) {
      expect(answer).toContain("(stand-in, no real model)");
      expect(answer).toContain(word);
    }
    // Grown in the terminal, not come at once.
    expect(scout.split("\n").filter((line) => line.includes("Scout  ")).length).toBeGreaterThanOrEqual(2);
    expect(rooms(demo.output())).toEqual(firstRooms);
    expect(await leftRunning(folder)).toEqual([]);
    expect(((await stat(join(folder, "password"))).mode & 0o777).toString(8)).toBe("600");
  });

  it("stays up, takes a message by the curl lines it prints, starts a killed server again, and stops everything on Ctrl-C", async () => {
    const demo = await start();
    await demo.printed("Ctrl-C stops everything.");
    const lines = demo.output().split("\n");
    const at = lines.findIndex((line) => line.startsWith("ROOM="));
    const [room, token, send, look] = lines.slice(at, at + 4);
    const sh = async (...script: readonly unknown[]) =>
      (await promisify(execFile)("/bin/sh", ["-c", script.join("\n")])).stdout;
    expect(await sh(room, token, send)).toContain("event_id");
    await expect.poll(() => sh(room, token, look), { timeout: 30_000, interval: 500 }).toContain("You asked: Hello!");

    const pid = Number(/Letta: kill -9 (\d+)/.exec(demo.output())?.[1]);
    process.kill(pid, "SIGKILL");
    await demo.printed("Letta runs again");
    expect(await leftRunning(folder)).toContain(`letta on port ${new URL(lettaUrl(demo.output())).port}`);

    const second = await start();
    expect(await second.exited).toBe("exit status 1");
    expect(second.output()).toContain("another demo runs");

    await demo.kill("SIGINT");
    expect(await demo.exited).toBe("exit status 0");
    expect(await leftRunning(folder)).toEqual([]);
  });

  it("stops everything when it is asked to in the middle of its start, and when it is killed", async () => {
    const patient = await start(["--once"]);
    await patient.printed("✔");
    await patient.kill("SIGTERM");
    expect(await patient.exited).toBe("exit status 130");
    expect(await leftRunning(folder)).toEqual([]);

    const hasty = await start();
    await hasty.printed("Hello Scout!");
    await hasty.kill("SIGKILL");
    await expect.poll(() => leftRunning(folder), { timeout: 10_000 }).toEqual([]);
  });
});

function lettaUrl(output: string): string {
  return /ws:\/\/\S+/.exec(output)?.[0] ?? "";
}

async function filesWith(text: string, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found = await Promise.all(files.map(async (file) => ((await readFile(file)).includes(text) ? [file] : [])));
  return found.flat();
}
