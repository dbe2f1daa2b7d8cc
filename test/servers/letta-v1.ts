import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { access, chmod, chown, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, isFree } from "./free-port.ts";
import { type InstallOptions, run } from "./install.ts";
import { ensureLettaV1, type LettaV1Programs } from "./letta-v1-install.ts";
import { type RunningProcess, supervise } from "./process.ts";
import { type Restartable, startRestartable } from "./restartable.ts";

export interface LettaV1Options {
  readonly dir: string;
  readonly model: { readonly url: string; readonly name: string };
  /** Without it Letta runs no turn in the background. Default: true. */
  readonly redis?: boolean;
  readonly install?: InstallOptions;
}

export interface LettaV1 extends Restartable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly modelHandle: string;
  readonly logFile: string;
}

/** Whom PostgreSQL runs as where we are root, which it refuses. */
const nobody = 65_534;

/** Starts Letta's V1 server with a database of its own. */
export async function startLettaV1(options: LettaV1Options): Promise<LettaV1> {
  const dir = resolve(options.dir);
  const programs = await ensureLettaV1(options.install);
  const home = join(dir, "home");
  await mkdir(home, { recursive: true });
  const [postgresPort, redisPort, port] = [await freePort(), await freePort(), await freePort()];
  const helpers: RunningProcess[] = [];
  const stopHelpers = async () => {
    for (const helper of helpers.reverse()) await helper.stop(3_000);
  };
  try {
    helpers.push(await startPostgres(programs, dir, postgresPort));
    if (options.redis !== false) helpers.push(await startRedis(programs, dir, redisPort));
    const database = `postgresql://letta@127.0.0.1:${postgresPort}`;
    const psql = (name: string, command: string) =>
      run(command, join(programs.postgres, "psql"), [`${database}/${name}`, "-c", command]);
    await psql("postgres", "create database letta");
    await psql("letta", "create extension vector");
    const env = {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: home,
      LANG: "C.UTF-8",
      LETTA_PG_URI: `${database}/letta`,
      ...(options.redis === false ? {} : { LETTA_REDIS_HOST: "127.0.0.1", LETTA_REDIS_PORT: String(redisPort) }),
      OPENAI_API_KEY: "stub",
      OPENAI_BASE_URL: options.model.url,
      DO_NOT_TRACK: "1",
      // 20 by default, which is long for a test.
      LETTA_KEEPALIVE_INTERVAL: "1",
    };
    const config = join(programs.source, "alembic.ini");
    const migrate = `cd "$0" && exec "$1" -c "$2" upgrade head`;
    await run("migrating", "/bin/sh", ["-c", migrate, programs.source, programs.alembic, config], undefined, env);
    const url = `http://127.0.0.1:${port}`;
    const logFile = join(dir, "letta.log");
    const server = await startRestartable(async () => ({
      name: "Letta V1",
      command: programs.letta,
      args: ["server", "--host", "127.0.0.1", "--port", String(port)],
      cwd: dir,
      env,
      logFile,
      readyUrl: `${url}/v1/health/`,
      readyWithinMs: 240_000,
    }));
    return {
      url,
      modelHandle: `openai-proxy/${options.model.name}`,
      logFile,
      get pid() {
        return server.pid;
      },
      kill: (signal) => server.kill(signal),
      restart: () => server.restart(),
      async stop() {
        await server.stop();
        await stopHelpers();
      },
    };
  } catch (error) {
    await stopHelpers();
    throw error;
  }
}

async function startPostgres({ postgres }: LettaV1Programs, dir: string, port: number): Promise<RunningProcess> {
  const data = join(dir, "postgres");
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", "--"] : [];
  await mkdir(data, { recursive: true });
  if (isRoot) {
    await chmod(dir, 0o755);
    await chown(data, nobody, nobody);
  }
  const [first = "", ...rest] = [...as, join(postgres, "initdb")];
  const isThere = await access(join(data, "PG_VERSION")).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    const choices = ["-U", "letta", "-A", "trust", "-E", "UTF8", "--no-locale"];
    await run("creating the database", first, [...rest, "-D", data, ...choices]);
  }
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"].flatMap((set) => [
    "-c",
    set,
  ]);
  const server = [...as, join(postgres, "postgres"), "-D", data, "-p", String(port), ...settings];
  return await startHelper("PostgreSQL", server, { dir, port });
}

async function startRedis({ redis }: LettaV1Programs, dir: string, port: number): Promise<RunningProcess> {
  const command = [redis.command, "--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--save", ""];
  return await startHelper("Redis", command, { dir, port, env: { LD_LIBRARY_PATH: redis.libraries } });
}

/** A server that is ready when its port is taken. */
async function startHelper(
  name: string,
  [command = "", ...args]: readonly string[],
  { dir, port, env = {} }: { readonly dir: string; readonly port: number; readonly env?: Record<string, string> },
): Promise<RunningProcess> {
  const log = openSync(join(dir, `${name.toLowerCase()}.log`), "a");
  const child = spawn(command, args, {
    cwd: name === "PostgreSQL" ? join(dir, "postgres") : dir,
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LANG: "C.UTF-8", ...env },
    detached: true,
    stdio: ["ignore", log, log],
  });
  const running = await supervise(name, child);
  closeSync(log);
  let ended: string | undefined;
  void running.exited.then((how) => {
    ended = how;
  });
  for (const deadline = performance.now() + 30_000; await isFree(port); await sleep(100)) {
    if (ended !== undefined) throw new Error(`${name} ended at once (${ended}); its log is in ${dir}`);
    if (performance.now() > deadline) throw new Error(`${name} did not open its port; its log is in ${dir}`);
  }
  return running;
}
