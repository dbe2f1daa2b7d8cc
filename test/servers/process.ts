import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessOptions {
  /** For messages: what a reader calls it. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Output of every start is appended here. */
  readonly logFile: string;
  /** Answers 2xx once the process serves. */
  readonly readyUrl: string;
  /** Milliseconds until a process that is not ready counts as failed. */
  readonly readyWithinMs?: number;
}

export interface RunningProcess {
  readonly pid: number;
  /** How it ended, in words; resolves when it has ended, for whatever reason. */
  readonly exited: Promise<string>;
  /** Sends a signal to the whole process group. Waits for the end when the signal is SIGKILL. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** SIGTERM, and SIGKILL for what is left after the deadline (milliseconds). */
  stop(deadlineMs?: number): Promise<void>;
}

const pollEveryMs = 40;

/** Starts a process in a group of its own and resolves when it is ready. A start that fails leaves nothing running. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  await mkdir(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, "a");
  let running: RunningProcess;
  try {
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: { ...options.env },
      detached: true,
      stdio: ["ignore", log, log],
    });
    running = await supervise(options.name, child);
  } finally {
    closeSync(log);
  }
  try {
    await untilReady(options, running);
    return running;
  } catch (error) {
    await running.kill("SIGKILL");
    throw error;
  }
}

/** Resolves once the child has started, and sees to it that its group does not outlive this process. */
export async function supervise(name: string, child: ChildProcess): Promise<RunningProcess> {
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new Error(`${name} cannot be started: ${cause.message}`, { cause })));
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} has no process id although it was started`);
  const guard = guardGroup(pid);
  const exited = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => {
      guard.kill("SIGKILL");
      resolve(signal === null ? `exit status ${code}` : `signal ${signal}`);
    });
  });
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  };
  return {
    pid,
    exited,
    async kill(signal) {
      if (!hasExited(child)) signalGroup(signal);
      if (signal === "SIGKILL") await exited;
    },
    async stop(deadlineMs = 10_000) {
      if (hasExited(child)) return;
      signalGroup("SIGTERM");
      // A process that was stopped (SIGSTOP) receives nothing else until it goes on.
      signalGroup("SIGCONT");
      const deadline = new AbortController();
      const ended = await Promise.race([
        exited.then(() => true),
        sleep(deadlineMs, false, { signal: deadline.signal }).catch(() => false),
      ]);
      deadline.abort();
      if (!ended) signalGroup("SIGKILL");
      await exited;
    },
  };
}

/**
 * A shell that waits for the end of its input, which comes when this process ends, even by SIGKILL, and then kills the
 * group. It needs no polling and works on any POSIX system.
 */
function guardGroup(pid: number): ChildProcess {
  const guard = spawn("/bin/sh", ["-c", 'read -r _; kill -s KILL -- "-$1"', "guard", String(pid)], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.once("error", (error) => {
    process.emitWarning(`server process ${pid} is not guarded against our own sudden end: ${error.message}`);
  });
  guard.stdin?.on("error", () => {});
  guard.unref();
  if (guard.stdin !== null && "unref" in guard.stdin && typeof guard.stdin.unref === "function") guard.stdin.unref();
  return guard;
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function untilReady(options: ProcessOptions, running: RunningProcess): Promise<void> {
  const withinMs = options.readyWithinMs ?? 60_000;
  const deadline = performance.now() + withinMs;
  let ended: string | undefined;
  void running.exited.then((how) => {
    ended = how;
  });
  while (performance.now() < deadline) {
    const answered = await answers(options.readyUrl);
    if (ended !== undefined) {
      throw new Error(`${options.name} ended before it was ready (${ended})\n${await logTail(options.logFile)}`);
    }
    if (answered) return;
    await Promise.race([sleep(pollEveryMs), running.exited]);
  }
  throw new Error(`${options.name} was not ready within ${withinMs} ms\n${await logTail(options.logFile)}`);
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function logTail(file: string, lines = 25): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return `The end of its log (${file}):\n${text.trimEnd().split("\n").slice(-lines).join("\n")}`;
}
