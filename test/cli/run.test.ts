import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { exitCode } from "../../src/cli/exit-code.ts";
import { type RunEnvironment, type RunnableApp, run } from "../../src/cli/run.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-"));
  path = join(folder, "letta-matrix.yaml");
  await writeFile(
    path,
    `
homeserver:
  url: http://localhost:8008
  server_name: example.org
  registration: { shared_secret: s3cret }
letta: { url: "ws://127.0.0.1:4500" }
log: { level: fatal }
`,
  );
});
afterEach(() => rm(folder, { recursive: true }));

function world(overrides: Partial<RunnableApp> = {}) {
  let ask: ((signal: NodeJS.Signals) => void) | undefined;
  let now = 0;
  const printed: string[] = [];
  const logged: string[] = [];
  const started = Promise.withResolvers<void>();
  const app = {
    start: vi.fn(async () => started.resolve()),
    stop: vi.fn(async () => undefined),
    failed: new Promise<never>(() => undefined),
    ...overrides,
  };
  const exit = vi.fn();
  const createApp = vi.fn(async () => app);
  const environment: RunEnvironment = {
    console: { out: () => undefined, err: (text) => void printed.push(text) },
    env: {},
    createApp,
    exit,
    log: { write: (line) => void logged.push(line) },
    now: () => now,
    onStopRequest(listener) {
      ask = listener;
      return () => {
        ask = undefined;
      };
    },
  };
  return {
    app,
    createApp,
    environment,
    exit,
    printed,
    logged,
    started: started.promise,
    askToStop: () => ask?.("SIGTERM"),
    isListening: () => ask !== undefined,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe("run", () => {
  test("starts, and stops when it is told to", async () => {
    const { app, environment, started, askToStop, isListening } = world();
    const ended = run(path, environment);
    await started;
    expect(app.stop).not.toHaveBeenCalled();
    askToStop();
    expect(await ended).toBe(exitCode.ok);
    expect(app.stop).toHaveBeenCalledOnce();
    expect(isListening()).toBe(false);
  });

  test("gives the app the configuration, complete", async () => {
    const { createApp, environment, started, askToStop } = world();
    const ended = run(path, environment);
    await started;
    askToStop();
    await ended;
    expect(createApp).toHaveBeenCalledWith(
      expect.objectContaining({ dataFolder: join(folder, "data"), log: { level: "fatal" } }),
      expect.anything(),
    );
  });

  test("a wrong configuration starts nothing, says what is wrong, and has a status of its own", async () => {
    await writeFile(path, "homeserver: { url: nowhere }");
    const { createApp, environment, printed } = world();
    expect(await run(path, environment)).toBe(exitCode.config);
    expect(createApp).not.toHaveBeenCalled();
    expect(printed.join("")).toContain("homeserver.url must be an http:// or https:// address");
    expect(printed.join("")).toContain("for example: url: http://localhost:8008");
  });

  test("a start that fails is told with what to do about it", async () => {
    const cause = Object.assign(new Error("the store is open in another process"), { remedy: "Stop it first." });
    const { app, environment, printed } = world({
      start: () => Promise.reject(new Error("the store did not start", { cause })),
    });
    expect(await run(path, environment)).toBe(exitCode.failed);
    expect(printed.join("")).toBe("the store did not start\nStop it first.\n");
    expect(app.stop).toHaveBeenCalledOnce();
  });

  test("an app that fails is stopped, and the status says so", async () => {
    const failure = Promise.withResolvers<never>();
    const { app, environment, started, logged } = world({ failed: failure.promise });
    const ended = run(path, environment);
    await started;
    failure.reject(new Error("the disk is full, said s3cret"));
    expect(await ended).toBe(exitCode.failed);
    expect(logged.join("")).toContain("the disk is full, said [secret]");
    expect(app.stop).toHaveBeenCalledOnce();
  });

  test("a second request ends it at once, an echo of the first does not", async () => {
    const stopping = Promise.withResolvers<void>();
    const { environment, exit, started, askToStop, pass } = world({
      stop: () => stopping.promise.then(() => undefined),
    });
    const ended = run(path, environment);
    await started;
    askToStop();
    pass(300);
    askToStop();
    expect(exit).not.toHaveBeenCalled();
    pass(2_000);
    askToStop();
    expect(exit).toHaveBeenCalledWith(exitCode.failed);
    stopping.resolve();
    await ended;
  });
});
