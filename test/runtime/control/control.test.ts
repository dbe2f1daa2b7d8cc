import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { ControlClient } from "../../../src/runtime/control/client.ts";
import { type ControlHandler, ControlServer } from "../../../src/runtime/control/server.ts";
import { Supervisor } from "../../../src/runtime/supervisor.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { until } from "../until.ts";

let folder: string;
let path: string;
const servers: ControlServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "control-"));
  path = join(folder, "data", "control.sock");
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await rm(folder, { recursive: true });
});

async function serve(handlers: Readonly<Record<string, ControlHandler>>): Promise<ControlServer> {
  const server = new ControlServer({ path, handlers });
  await server.start();
  servers.push(server);
  return server;
}

const client = (timeoutMs = 5_000) => new ControlClient({ path, timeoutMs });
const doubled: ControlHandler = async (input) => ({ value: z.object({ value: z.number() }).parse(input).value * 2 });
const valueSchema = z.object({ value: z.number() });

class Busy extends Error {
  readonly remedy = "Ask again later.";
}

describe("a command over the control socket", () => {
  test("gets its input and gives its result", async () => {
    await serve({ double: doubled });
    expect(await client().call("double", { value: 21 }, valueSchema)).toEqual({ value: 42 });
  });

  test("many at once, each its own answer", async () => {
    await serve({ double: doubled });
    const calls = Array.from({ length: 50 }, (_, value) => client().call("double", { value }, valueSchema));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, value) => ({ value: value * 2 })));
  });

  test("that is refused says why and what to do, and no more", async () => {
    await serve({ status: () => Promise.reject(Object.assign(new Busy("too busy"), { token: "syt_1" })) });
    const error: unknown = await client()
      .call("status", {}, z.unknown())
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: "refused", message: "too busy", remedy: "Ask again later." });
    expect(JSON.stringify(error)).not.toContain("syt_1");
  });

  test("that does not exist names those that do", async () => {
    await serve({ status: doubled });
    await expect(client().call("stats", {}, z.unknown())).rejects.toMatchObject({
      kind: "refused",
      remedy: "Known commands: status.",
    });
  });

  test("with a result of another shape is not believed", async () => {
    await serve({ double: async () => "forty-two" });
    await expect(client().call("double", {}, valueSchema)).rejects.toMatchObject({ kind: "malformed" });
  });

  test("with a result that is no JSON is an error, not a silence", async () => {
    await serve({ double: async () => 1n });
    await expect(client().call("double", {}, valueSchema)).rejects.toMatchObject({ kind: "refused" });
  });

  test("that is too large is refused whole", async () => {
    const handler = vi.fn(doubled);
    await serve({ double: handler });
    await expect(client().call("double", { text: "x".repeat(3_000_000) }, z.unknown())).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringContaining("larger than"),
    });
    expect(handler).not.toHaveBeenCalled();
  });

  test("that takes too long ends for the caller, and is aborted for the handler", async () => {
    const aborted = Promise.withResolvers<void>();
    await serve({
      wait: async (_, signal) => {
        signal.addEventListener("abort", () => aborted.resolve());
        await aborted.promise;
      },
    });
    await expect(client(30).call("wait", {}, z.unknown())).rejects.toMatchObject({ kind: "overdue" });
    await aborted.promise;
  });
});

describe("the control socket", () => {
  test("may be opened by its owner only", async () => {
    await serve({});
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "data"))).mode & 0o777).toBe(0o700);
  });

  test("makes a folder private that was not", async () => {
    path = join(folder, "control.sock");
    await chmod(folder, 0o755);
    await serve({});
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  test("is gone when its server has stopped", async () => {
    const server = await serve({ double: doubled });
    await server.stop();
    await expect(client().call("double", { value: 1 }, valueSchema)).rejects.toMatchObject({ kind: "not-running" });
    await expect(stat(path)).rejects.toThrow("ENOENT");
  });

  test("aborts what is under way when its server stops", async () => {
    const begun = Promise.withResolvers<void>();
    const server = await serve({
      wait: (_, signal) => {
        begun.resolve();
        return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    });
    const call = client().call("wait", {}, z.unknown());
    const outcome = expect(call).rejects.toMatchObject({ kind: "refused", message: "the server is stopping" });
    await begun.promise;
    await server.stop();
    await outcome;
  });

  test("of a process that was killed is replaced", async () => {
    await serve({}).then((server) => server.stop());
    const code = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
    const other = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    await once(other.stdout, "data");
    other.kill("SIGKILL");
    await once(other, "exit");
    expect((await stat(path)).isSocket()).toBe(true);
    await serve({ double: doubled });
    expect(await client().call("double", { value: 2 }, valueSchema)).toEqual({ value: 4 });
  });

  test("of a process that runs is left alone", async () => {
    await serve({ double: doubled });
    await expect(new ControlServer({ path, handlers: {} }).start()).rejects.toMatchObject({
      name: "SocketUnavailable",
      message: `another process listens at ${path}`,
    });
    expect(await client().call("double", { value: 2 }, valueSchema)).toEqual({ value: 4 });
  });

  test("that somebody has removed ends its server, and a supervisor makes another", async () => {
    const clock = new SimulatedClock();
    const started: ControlServer[] = [];
    const supervisor = new Supervisor({
      clock,
      strategy: "one_for_one",
      intensity: 3,
      period: 60_000,
      backoff: { minBackoff: 100, maxBackoff: 1_000 },
      jitterSeed: "seed",
      children: [
        {
          id: "control socket",
          restart: "permanent",
          async start() {
            const server = new ControlServer({ path, handlers: { double: doubled }, clock });
            await server.start();
            started.push(server);
            return server;
          },
          shutdown: 1_000,
        },
      ],
    });
    await supervisor.start();
    await clock.pass(60_000);
    expect(started).toHaveLength(1);
    await rm(path);
    await until(async () => {
      await clock.pass(1_000);
      return started.length === 2;
    });
    await expect(started[0]?.ended).rejects.toMatchObject({ name: "SocketUnavailable" });
    expect(await client().call("double", { value: 2 }, valueSchema)).toEqual({ value: 4 });
    await supervisor.stop();
    expect(clock.pending).toBe(0);
  });

  test("does not replace a file that is no socket", async () => {
    path = join(folder, "control.sock");
    await writeFile(path, "precious");
    await expect(new ControlServer({ path, handlers: {} }).start()).rejects.toThrow("is not a socket");
    expect(await readFile(path, "utf8")).toBe("precious");
  });

  test("with a path that Unix would cut off is refused at both ends", async () => {
    path = join(folder, "x".repeat(120), "control.sock");
    await expect(new ControlServer({ path, handlers: {} }).start()).rejects.toMatchObject({
      message: expect.stringMatching(/has \d+ bytes, and sockets take 10[37]/),
      remedy: expect.stringContaining("shorter path"),
    });
    expect(() => client()).toThrow("sockets take");
  });
});

test.each([
  ["nothing", ""],
  ["something else", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["HTML", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>"],
])("a stranger at the socket who answers %s is an error of kind malformed", async (_, answer) => {
  path = join(folder, "stranger.sock");
  const stranger = createServer((socket) => socket.on("error", () => undefined).end(answer));
  stranger.listen(path);
  await once(stranger, "listening");
  try {
    await expect(client().call("status", {}, z.unknown())).rejects.toMatchObject({ kind: "malformed" });
  } finally {
    stranger.close();
  }
});
