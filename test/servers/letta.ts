import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { ensureLetta, type InstallOptions } from "./install.ts";
import { loadInstance } from "./instance.ts";
import { openLettaSocket } from "./letta-socket.ts";
import { type Restartable, startRestartable } from "./restartable.ts";

/** The model all agents use: any that speaks OpenAI's protocol, or a provider's own with a key. */
export type LettaModel =
  | { readonly url: string; readonly name: string; readonly apiKey?: string }
  | { readonly provider: "anthropic" | "openai"; readonly name: string; readonly apiKey: string };

export interface LettaOptions {
  /** Its data. A folder that a Letta ran in before continues with the same agents and conversations. */
  readonly dir: string;
  readonly model: LettaModel;
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly install?: InstallOptions;
}

export interface Letta extends Restartable {
  /** `ws://127.0.0.1:PORT/ws` */
  readonly url: string;
  readonly httpUrl: string;
  /** What an agent names as its model to use the one given at the start. */
  readonly modelHandle: string;
  readonly logFile: string;
  /** Where the tools of agents run; empty at the first start. */
  readonly workDir: string;
}

const instanceSchema = z.object({ port: z.number() });

/** Starts Letta's App Server on 127.0.0.1 with its local backend and a HOME of its own. */
export async function startLetta(options: LettaOptions): Promise<Letta> {
  const dir = resolve(options.dir);
  const home = join(dir, "home");
  const workDir = join(dir, "work");
  const logFile = join(dir, "letta.log");
  const [{ command }, { port }] = await Promise.all([
    ensureLetta(options.install),
    loadInstance(dir, instanceSchema, (free) => ({ port: free })),
    writeSettings(home),
    mkdir(workDir, { recursive: true }),
  ]);
  const url = `ws://127.0.0.1:${port}/ws`;
  const httpUrl = `http://127.0.0.1:${port}`;
  const server = await startRestartable(async () => ({
    name: "Letta",
    command,
    args: ["server", "--listen", `ws://127.0.0.1:${port}`],
    cwd: workDir,
    env: {
      PATH: `${dirname(command)}:${process.env["PATH"] ?? "/usr/bin:/bin"}`, // it calls git
      HOME: home,
      LANG: "C.UTF-8",
      DISABLE_AUTOUPDATER: "1",
      DO_NOT_TRACK: "1",
      LETTA_CODE_OFFLINE: "1",
      LETTA_CODE_TELEM: "0",
      LETTA_SKIP_KEYCHAIN_CHECK: "1",
      ...options.env,
    },
    logFile,
    readyUrl: `${httpUrl}/readyz`,
  }));
  try {
    const modelHandle = await connectModel(url, options.model);
    return {
      url,
      httpUrl,
      modelHandle,
      logFile,
      workDir,
      get pid() {
        return server.pid;
      },
      kill: (signal) => server.kill(signal),
      restart: () => server.restart(),
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The server keeps it, also over restarts. Letta does not try it out: a wrong key or URL shows at the first turn. */
async function connectModel(url: string, model: LettaModel): Promise<string> {
  const provider = "url" in model ? "openai-compatible" : model.provider;
  const fields =
    "url" in model ? { baseUrl: model.url, apiKey: model.apiKey ?? "none needed" } : { apiKey: model.apiKey };
  const socket = await openLettaSocket(url);
  try {
    await socket.request({ type: "connect_provider", target: "local", provider_id: provider, fields }, z.unknown());
  } finally {
    socket.close();
  }
  return `${provider}/${model.name}`;
}

/**
 * Without reflection no model request is made but those of the turns that somebody asked for. An agent's memory is a git
 * repository with a hook that starts a Node of its own at each commit, which is half of what a new agent costs.
 */
async function writeSettings(home: string): Promise<void> {
  const folder = join(home, ".letta");
  await mkdir(folder, { recursive: true });
  const settings = { preferredBackendMode: "local", reflectionTrigger: "off" };
  await writeUnlessThere(join(folder, "settings.json"), JSON.stringify(settings));
  await writeUnlessThere(join(home, ".gitconfig"), "[core]\n\thooksPath = /nonexistent\n");
}

async function writeUnlessThere(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}
