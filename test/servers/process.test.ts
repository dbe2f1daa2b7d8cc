import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, isFree } from "./free-port.ts";
import { type ProcessOptions, startProcess } from "./process.ts";

/** A server with a child of its own; `deaf` ignores SIGTERM. */
const server = `
  const { createServer } = require("node:http");
  const { spawn } = require("node:child_process");
  const [port, deaf] = process.argv.slice(2);
  spawn("sleep", ["600"], { stdio: "ignore" }).on("spawn", function () {
    createServer((_, response) => response.end(String(this.pid))).listen(Number(port), "127.0.0.1");
  });
  if (deaf) process.on("SIGTERM", () => {});
`;

describe("a server process", { timeout: 20_000 }, () => {
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "process-"));
    await writeFile(join(dir, "server.cjs"), server);
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  async function options(...args: string[]): Promise<ProcessOptions> {
    const port = await freePort();
    return {
      name: "Test server",
      command: process.execPath,
      args: [join(dir, "server.cjs"), String(port), ...args],
      cwd: dir,
      env: { PATH: process.env["PATH"] ?? "" },
      logFile: join(dir, "server.log"),
      readyUrl: `http://127.0.0.1:${port}/`,
    };
  }

  const childOf = async (start: ProcessOptions) => Number(await (await fetch(start.readyUrl)).text());

  it("is ready when it answers, and gone with its children when it is stopped", async () => {
    const start = await options();
    const running = await startProcess(start);
    const child = await childOf(start);
    expect(isAlive(child)).toBe(true);
    await running.stop();
    expect(await running.exited).toBe("signal SIGTERM");
    await expect.poll(() => isAlive(child)).toBe(false);
    expect(await isFree(Number(new URL(start.readyUrl).port))).toBe(true);
    await running.stop();
  });

  it("is killed when it does not heed SIGTERM in time, also while it is stopped by SIGSTOP", async () => {
    const start = await options("deaf");
    const running = await startProcess(start);
    const child = await childOf(start);
    await running.kill("SIGSTOP");
    await running.stop(50);
    expect(await running.exited).toBe("signal SIGKILL");
    await expect.poll(() => isAlive(child)).toBe(false);
  });

  it("reports an early end with the end of its log", async () => {
    const start = { ...(await options()), args: ["-e", "console.error('no such thing'); process.exit(3)"] };
    await expect(startProcess(start)).rejects.toThrow(/ended before it was ready \(exit status 3\).*no such thing/s);
  });

  it("reports a start that takes too long, and a command that does not exist, and leaves nothing", async () => {
    const args = ["-e", "require('node:fs').writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000)"];
    await expect(startProcess({ ...(await options()), args, readyWithinMs: 500 })).rejects.toThrow("within 500 ms");
    await expect(startProcess({ ...(await options()), command: join(dir, "nothing") })).rejects.toThrow(
      "cannot be started",
    );
  });

  it("does not outlive a starter that is killed by SIGKILL", async () => {
    const start = await options();
    const starter = `
      import { startProcess } from ${JSON.stringify(join(import.meta.dirname, "process.ts"))};
      const { pid } = await startProcess(${JSON.stringify(start)});
      console.log(pid);
      setInterval(() => {}, 1000);
    `;
    await writeFile(join(dir, "starter.mts"), starter);
    const parent = spawn(process.execPath, [join(dir, "starter.mts")], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface({ input: parent.stdout }), "line");
    const pid = Number(line);
    const child = await childOf(start);
    expect([isAlive(pid), isAlive(child)]).toEqual([true, true]);
    parent.kill("SIGKILL");
    await expect.poll(() => [isAlive(pid), isAlive(child)]).toEqual([false, false]);
  });
});

/** A zombie that nobody has waited for does not count. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}
