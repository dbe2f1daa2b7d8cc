import { spawn } from "node:child_process";
import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { Status } from "../../src/commands/status/schema.ts";
import { type RunningProcess, supervise } from "../servers/process.ts";
import { type CommandOutcome, main, readStatus, runCommand } from "./command.ts";
import { eventually } from "./eventually.ts";

const lineSchema = z.looseObject({ level: z.string(), msg: z.string() });

/** One line of the program's log. */
export type LogLine = z.infer<typeof lineSchema>;

/** The program as an operator runs it: `letta-matrix run --config …`, in a process of its own. */
export class AppProcess {
  readonly #configFile: string;
  readonly #logFile: string;
  readonly #program: string;
  readonly #log: LogLine[] = [];
  #config: object = {};
  #running: RunningProcess | undefined;

  private constructor(dir: string, program: string) {
    this.#program = program;
    this.#configFile = join(dir, "letta-matrix.yaml");
    this.#logFile = join(dir, "app.log");
  }

  /** Prepares a folder; `config` is what stands in the configuration file, `program` another build of the program. */
  static async prepare(dir: string, config: object, program = main): Promise<AppProcess> {
    await mkdir(dir, { recursive: true });
    const app = new AppProcess(dir, program);
    await app.configure(config);
    return app;
  }

  /** Writes another configuration file, as an editor does. What runs does not notice. */
  async configure(config: object): Promise<void> {
    // At once: commands read it meanwhile.
    await writeFile(`${this.#configFile}.new`, JSON.stringify(config), { mode: 0o600 });
    await rename(`${this.#configFile}.new`, this.#configFile);
    this.#config = config;
  }

  /** What stands in the configuration file. */
  get config(): object {
    return this.#config;
  }

  /** Sends SIGHUP, and gives what the log says to it. */
  async reload(): Promise<LogLine> {
    const said = () => this.#log.filter(({ msg }) => msg.startsWith("the configuration "));
    const before = said().length;
    await this.#running?.kill("SIGHUP");
    return eventually("the log to say what came of SIGHUP", async () => said()[before], 10_000);
  }

  /** Every line of all starts. */
  get log(): readonly LogLine[] {
    return this.#log;
  }

  /** Resolves when it says that it runs. `env` overrides keys of the configuration file. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const child = spawn(process.execPath, [this.#program, "run", "--config", this.#configFile], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", ...env },
    });
    const running = await supervise("letta-matrix", child);
    this.#running = running;
    const started = new Promise<void>((resolveStarted) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const parsed = lineSchema.parse(JSON.parse(line));
        this.#log.push(parsed);
        if (parsed.msg === "running") resolveStarted();
        void appendFile(this.#logFile, `${line}\n`);
      });
    });
    const errors: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => {
      errors.push(line);
      void appendFile(this.#logFile, `stderr: ${line}\n`);
    });
    const ended = running.exited.then((how) => {
      throw new Error(`letta-matrix ended before it ran (${how})\n${errors.join("\n")}`);
    });
    await Promise.race([started, ended]);
    ended.catch(() => undefined);
  }

  /** SIGTERM, and gives how it ended. */
  async stop(): Promise<string> {
    await this.#running?.stop();
    return (await this.#running?.exited) ?? "never ran";
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#running?.kill("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Carries out another command of the program beside it. */
  command(...args: readonly string[]): Promise<CommandOutcome> {
    return runCommand(this.#configFile, args);
  }

  status(): Promise<Status> {
    return readStatus(this.#configFile);
  }
}
