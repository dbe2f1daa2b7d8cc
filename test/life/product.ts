import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type RunningProcess, supervise } from "../servers/process.ts";
import { type Order, type Report, report, type Settings } from "./protocol.ts";

const entry = join(import.meta.dirname, "victim.ts");

/** One life of the product in a process of its own, as its driver sees it. */
export class Life {
  readonly #child: ChildProcess;
  readonly #running: RunningProcess;
  readonly #listeners = new Set<(report: Report) => void>();
  readonly #ended: Promise<void>;
  /** The point at which it has killed itself. */
  #hit: string | undefined;
  /** How many wait for an answer. */
  #questions = 0;

  private constructor(child: ChildProcess, running: RunningProcess, reports: Readable) {
    this.#child = child;
    this.#running = running;
    const lines = createInterface({ input: reports });
    lines.on("line", (line) => {
      const one = report.parse(JSON.parse(line));
      if (one.type === "hit") this.#hit = one.point;
      if (one.type === "asked") this.#questions = one.questions;
      for (const listener of this.#listeners) listener(one);
    });
    const read = new Promise<void>((resolve) => lines.once("close", () => resolve()));
    this.#ended = Promise.all([running.exited, read]).then(() => undefined);
  }

  /** Starts a process that has loaded the product and waits for {@link begin}. */
  static async load(logFile: string, cacheFolder: string): Promise<Life> {
    const log = openSync(logFile, "a");
    const child = spawn(process.execPath, [entry], {
      detached: true,
      stdio: ["ignore", log, log, "pipe", "ipc"],
      env: { ...process.env, NODE_COMPILE_CACHE: cacheFolder },
    });
    closeSync(log);
    const running = await supervise("letta-matrix", child);
    const reports = child.stdio[3];
    if (!isReadable(reports)) throw new Error("the victim has no pipe");
    const life = new Life(child, running, reports);
    if ((await life.until(({ type }) => type === "loaded", 60_000)) === undefined)
      throw new Error(`the victim ended before it had loaded: see ${logFile}`);
    return life;
  }

  begin(settings: Settings): void {
    const start: Order = { type: "start", settings };
    this.#child.send(start);
  }

  get hit(): string | undefined {
    return this.#hit;
  }

  /** Resolves when so many questions wait for an answer, or it has ended. */
  async asked(questions: number, withinMs: number): Promise<void> {
    if (this.#questions !== questions)
      await this.until((one) => one.type === "asked" && one.questions === questions, withinMs);
  }

  /** The first such report from now on; `undefined` when it ends before. */
  async until(isIt: (report: Report) => boolean, withinMs: number): Promise<Report | undefined> {
    const found = Promise.withResolvers<Report | undefined>();
    const listener = (one: Report): void => {
      if (isIt(one)) found.resolve(one);
    };
    this.#listeners.add(listener);
    const timer = setTimeout(() => found.reject(new Error(`nothing came of it within ${withinMs} ms`)), withinMs);
    void this.#ended.then(() => found.resolve(undefined));
    try {
      return await found.promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(listener);
    }
  }

  async kill(): Promise<void> {
    await this.#running.kill("SIGKILL");
    await this.#ended;
  }
}

function isReadable(stream: unknown): stream is Readable {
  return stream instanceof Object && "on" in stream && "read" in stream;
}
