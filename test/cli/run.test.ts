import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
  let reload: (() => void) | undefined;
  let now = 0;
  const printed: string[] = [];
  const logged: string[] = [];
  const started = Promise.withResolvers<void>();
  const app = {
    start: vi.fn(async () => started.resolve()),
    stop: vi.fn(async () => undefined),
    failed: new Promise<never>(() => undefined),
    reconfigure: vi.fn<RunnableApp["reconfigure"]>(),
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
    onReloadRequest(listener) {
      reload = listener;
      return () => {
        reload = undefined;
      };
    },
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
    askToReload: () => reload?.(),
    isListening: () => ask !== undefined || reload !== undefined,
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

describe("a request to read the configuration again", () => {
  const written = async (change: (text: string) => string) => writeFile(path, change(await readFile(path, "utf8")));
  const at = (level: string) => (text: string) => text.replace(/log: .*/, `log: { level: ${level} }`);

  async function running() {
    await written(at("info"));
    const t = world();
    const ended = run(path, t.environment);
    await t.started;
    const reload = async (change: (text: string) => string) => {
      const before = t.logged.length;
      await written(change);
      t.askToReload();
      await expect.poll(() => t.logged.length).toBeGreaterThan(before);
      return JSON.parse(t.logged.at(-1) ?? "");
    };
    const end = async () => {
      t.askToStop();
      expect(await ended).toBe(exitCode.ok);
    };
    return { ...t, reload, end };
  }

  test("takes over what can change in a running process, and says which keys", async () => {
    const { app, reload, end } = await running();
    const said = await reload((text) => `${text}\ninvite: ["@you:example.org"]\ndiscovery: { interval: 5m }\n`);
    expect(said).toMatchObject({ msg: "the configuration was reloaded", keys: ["invite", "discovery.interval"] });
    expect(app.reconfigure).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({
        invite: ["@you:example.org"],
        discovery: expect.objectContaining({ intervalMs: 300_000 }),
      }),
    );
    await end();
  });

  test("changes the log's level at once", async () => {
    const { reload, logged, end } = await running();
    expect(await reload(at("error"))).toMatchObject({ keys: ["log.level"] });
    const before = logged.length;
    await end();
    expect(logged.slice(before)).toEqual([]);
  });

  test("is refused as a whole when something changed that only a restart changes, with the reason", async () => {
    const { app, reload, end } = await running();
    const said = await reload((text) =>
      `${text}\ninvite: ["@you:example.org"]\n`.replace("example.org\n", "other.org\n").replace("s3cret", "s3cret-2"),
    );
    expect(said).toMatchObject({
      level: "error",
      live: ["invite"],
      restart: [
        { key: "homeserver.server_name", why: "all users, rooms and records are named by it" },
        { key: "homeserver.registration.shared_secret", why: "the connection to the homeserver is made with it" },
      ],
    });
    expect(JSON.stringify(said)).not.toContain("s3cret");
    expect(app.reconfigure).not.toHaveBeenCalled();
    await end();
  });

  test("is refused when the file is wrong, saying what is wrong with it; a right one is taken afterwards", async () => {
    const { app, reload, end } = await running();
    const said = await reload((text) => `${text}\ndrafts: { rate: fast }\n`);
    expect(said).toMatchObject({ level: "error", problems: [{ key: "drafts.rate", message: "must be a number" }] });
    expect(app.reconfigure).not.toHaveBeenCalled();
    expect(await reload((text) => text.replace("fast", "2"))).toMatchObject({ keys: ["drafts.rate"] });
    await end();
  });

  test("notices a secret that changed in its file, and a picture", async () => {
    const secret = join(folder, "secret");
    const picture = join(folder, "logo.png");
    const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
    await writeFile(secret, "one");
    await writeFile(picture, png);
    await written(
      (text) =>
        `${text.replace("shared_secret: s3cret", "shared_secret_file: secret")}\navatars: { picture: logo.png }\n`,
    );
    const { reload, end } = await running();
    await writeFile(picture, Buffer.concat([png, Buffer.of(1)]));
    expect(await reload((text) => text)).toMatchObject({ keys: ["avatars.picture"] });
    await writeFile(secret, "two");
    expect(await reload((text) => text)).toMatchObject({
      restart: [{ key: "homeserver.registration.shared_secret_file" }],
    });
    await end();
  });
});
