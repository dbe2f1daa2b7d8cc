import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { type RunningProcess, supervise } from "../servers/process.ts";
import { type Arm, type Order, type Report, report, type VictimSettings } from "./protocol.ts";

export interface VictimOptions {
  /** The folder of the product's `app.ts`. */
  readonly source: string;
  readonly logFile: string;
  /** Compiled code is kept here, so that a restart does not compile again. */
  readonly cacheFolder: string;
  /** Gets every report in order, also those that came just before the end. */
  readonly onReport: (report: Report) => void;
}

export type Hit = Extract<Report, { type: "hit" }>;

const entry = join(import.meta.dirname, "victim.ts");

/** A process that runs the product, as its driver sees it. */
export class VictimProcess {
  /** Resolves when it has ended and all its reports have been read. */
  readonly ended: Promise<string>;
  readonly #logFile: string;
  readonly #running: RunningProcess;
  readonly #goOn: Writable;
  readonly #send: (order: Order) => void;
  readonly #loaded = Promise.withResolvers<void>();
  readonly #up = Promise.withResolvers<void>();
  #armed = Promise.withResolvers<void>();
  #hit = Promise.withResolvers<Hit>();
  #busy: readonly string[] | undefined;
  #hasEnded = false;

  private constructor(
    running: RunningProcess,
    { goOn, reports }: { goOn: Writable; reports: Readable },
    send: (order: Order) => void,
    { logFile, onReport }: VictimOptions,
  ) {
    this.#logFile = logFile;
    this.#running = running;
    this.#goOn = goOn;
    this.#send = send;
    const lines = createInterface({ input: reports });
    lines.on("line", (line) => {
      const parsed = report.parse(JSON.parse(line));
      this.#note(parsed);
      onReport(parsed);
    });
    const read = new Promise<void>((resolve) => lines.once("close", () => resolve()));
    this.ended = Promise.all([running.exited, read]).then(([how]) => {
      this.#hasEnded = true;
      return how;
    });
  }

  /** Starts a process that has loaded the product and waits for {@link start}. */
  static async load(options: VictimOptions): Promise<VictimProcess> {
    const { source, logFile, cacheFolder } = options;
    const log = openSync(logFile, "a");
    const child = spawn(process.execPath, [entry, source], {
      detached: true,
      stdio: ["ignore", log, log, "pipe", "pipe", "ipc"],
      env: { ...process.env, NODE_COMPILE_CACHE: cacheFolder },
    });
    closeSync(log);
    const running = await supervise("victim", child);
    const reports = child.stdio[3];
    const goOn = child.stdio[4];
    if (!isWritable(goOn) || !isReadable(reports)) throw new Error("the victim has no pipes");
    goOn.on("error", () => {}); // it may be dead by now
    const send = (order: Order): void => {
      if (child.connected) child.send(order, () => {}); // it may die before it reads this
    };
    const victim = new VictimProcess(running, { goOn, reports }, send, options);
    const how = await Promise.race([victim.#loaded.promise, victim.ended]);
    if (how !== undefined) throw new Error(`the victim ended before it had loaded (${how}): see ${logFile}`);
    return victim;
  }

  /** True when, as far as it has said, none of these rooms' conversations has anything to do. */
  isIdle(rooms: readonly string[]): boolean {
    return this.#busy !== undefined && !this.#busy.some((room) => rooms.includes(room));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Lets the product begin. Resolves when it is up. */
  async start(settings: VictimSettings): Promise<void> {
    this.#send({ type: "start", settings });
    const how = await Promise.race([this.#up.promise, this.ended]);
    if (how !== undefined) throw new Error(`the product ended while it started (${how}): see ${this.#logFile}`);
  }

  /** Resolves when it is armed, or dead, with a promise of the hit. */
  async arm(arm: Arm): Promise<{ readonly hit: Promise<Hit> }> {
    this.#armed = Promise.withResolvers();
    this.#hit = Promise.withResolvers();
    this.#send({ type: "arm", arm });
    await Promise.race([this.#armed.promise, this.ended]);
    return { hit: this.#hit.promise };
  }

  /** Has Letta's agents listed now. */
  look(): void {
    this.#send({ type: "look" });
  }

  /** Lets it begin, or end in order, and resolves when it has stopped itself somewhere in that. */
  async dieIn(
    phase: { readonly arm: Arm } & ({ readonly start: VictimSettings } | { readonly stop: true }),
  ): Promise<Hit> {
    const { hit } = await this.arm(phase.arm);
    this.#send("start" in phase ? { type: "start", settings: phase.start } : { type: "stop" });
    const how = await this.ended;
    // All that it had to say has been read by now.
    const other = Promise.reject(new Error(`the product ended by itself (${how}): see ${this.#logFile}`));
    return await Promise.race([hit, other]);
  }

  /** Resolves with the hit that came before it had heard of that. */
  async disarm(): Promise<Hit | undefined> {
    this.#armed = Promise.withResolvers();
    this.#send({ type: "arm", arm: null });
    return await Promise.race([this.#hit.promise, this.#armed.promise.then(() => undefined)]);
  }

  /** Lets it go on from where it holds. */
  release(): void {
    this.#goOn.write("\n");
  }

  async kill(): Promise<void> {
    await this.#running.kill("SIGKILL");
    await this.ended;
  }

  /** The orderly way. */
  async stop(): Promise<void> {
    this.#send({ type: "stop" });
    const timer = setTimeout(() => void this.#running.kill("SIGKILL"), 15_000);
    await this.ended;
    clearTimeout(timer);
  }

  #note(report: Report): void {
    if (report.type === "loaded") this.#loaded.resolve();
    if (report.type === "up") this.#up.resolve();
    if (report.type === "armed" || report.type === "disarmed") this.#armed.resolve();
    if (report.type === "hit") this.#hit.resolve(report);
    if (report.type === "busy") this.#busy = report.rooms;
  }
}

function isReadable(stream: unknown): stream is Readable {
  return stream instanceof Object && "on" in stream && "read" in stream;
}

function isWritable(stream: unknown): stream is Writable {
  return stream instanceof Object && "on" in stream && "write" in stream;
}
