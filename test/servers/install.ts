import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { supervise } from "./process.ts";

export interface InstallOptions {
  /** Gets one line at a time for a person to read. Default: standard error. */
  readonly progress?: (line: string) => void;
  /** Where the virtual environments go. Default: the git-ignored `.servers/` of the project. */
  readonly root?: string;
}

const projectRoot = resolve(import.meta.dirname, "..", "..");
const reportEveryMs = 5_000;

/** Installs Synapse if that has not been done yet, and gives the path of the Python that has it. */
export async function ensureSynapse(options: InstallOptions = {}): Promise<{ readonly python: string }> {
  const environment = await ensureEnvironment("Synapse", pinsOf("synapse"), options);
  return { python: join(environment, "bin", "python") };
}

/** Installs Letta if that has not been done yet, and gives the path of its command. */
export async function ensureLetta(options: InstallOptions = {}): Promise<{ readonly command: string }> {
  const environment = await ensureEnvironment("Letta", pinsOf("letta"), options);
  return { command: join(environment, "bin", "letta") };
}

/** Installs Schemathesis if that has not been done yet, and gives the path of its command. */
export async function ensureSchemathesis(options: InstallOptions = {}): Promise<{ readonly command: string }> {
  const environment = await ensureEnvironment("Schemathesis", pinsOf("schemathesis"), options);
  return { command: join(environment, "bin", "schemathesis") };
}

function pinsOf(server: string): string {
  return join(import.meta.dirname, `${server}.requirements.txt`);
}

/**
 * Gives a Python virtual environment with exactly what a requirements file names, built if there is none yet. Any
 * number of processes may ask at once, and each may end at any time: one builds, the others wait, and what is not
 * complete is built anew.
 */
export async function ensureEnvironment(
  title: string,
  requirements: string,
  options: InstallOptions = {},
): Promise<string> {
  const root = options.root ?? join(projectRoot, ".servers");
  const environment = join(root, title.toLowerCase());
  const stamp = join(environment, "installed");
  const wanted = createHash("sha256")
    .update(await readFile(requirements))
    .digest("hex");
  const isInstalled = async () => (await readFile(stamp, "utf8").catch(() => "")) === wanted;
  if (await isInstalled()) return environment;

  const progress = options.progress ?? ((line) => process.stderr.write(`${line}\n`));
  const python = await findPython();
  await mkdir(root, { recursive: true });
  const lock = await lockFile(python, `${environment}.lock`, () =>
    progress(`${title}: waiting for another process that installs it`),
  );
  try {
    if (await isInstalled()) return environment;
    // A virtual environment cannot be moved, so it is built in place, and the stamp, written last, makes it valid.
    await rm(environment, { recursive: true, force: true });
    progress(`${title}: installing from PyPI into ${environment} (once, about a minute)`);
    const started = performance.now();
    await run(`${title}: creating its Python environment`, python, ["-m", "venv", environment]);
    await run(
      `${title}: installing with pip`,
      join(environment, "bin", "python"),
      ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off", "-r", requirements],
      stepReporter((step) => progress(`${title}: ${step}`)),
    );
    await writeFile(`${stamp}.new`, wanted);
    await rename(`${stamp}.new`, stamp);
    progress(`${title}: installed in ${Math.round((performance.now() - started) / 1000)} s`);
    return environment;
  } finally {
    lock.release();
  }
}

/** A Python of at least 3.11 with venv and pip; `PYTHON` names one explicitly. */
async function findPython(): Promise<string> {
  const named = process.env["PYTHON"];
  const candidates =
    named === undefined ? ["python3", "python3.14", "python3.13", "python3.12", "python3.11"] : [named];
  const check = "import sys; assert sys.version_info >= (3, 11), 'too old'; import venv, ensurepip";
  const reasons: string[] = [];
  for (const candidate of candidates) {
    try {
      await run(candidate, candidate, ["-c", check]);
      return candidate;
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(
    "Python 3.11 or newer with venv is needed to install the servers. " +
      "Install it (Debian and Ubuntu: apt install python3 python3-venv; macOS: brew install python), " +
      `or name one with PYTHON=/path/to/python3. Tried:\n${reasons.join("\n")}`,
  );
}

/**
 * Takes a lock that the system itself gives up when its holder ends, so that it can never be stale. Node has no file
 * locks; Python, which is needed here anyway, does.
 */
async function lockFile(python: string, path: string, onWait: () => void): Promise<{ release(): void }> {
  const script = [
    "import fcntl, sys",
    "file = open(sys.argv[1], 'w')",
    "try:",
    "    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)",
    "except BlockingIOError:",
    "    print('waiting', flush=True)",
    "    fcntl.flock(file, fcntl.LOCK_EX)",
    "print('locked', flush=True)",
    "sys.stdin.read()",
  ].join("\n");
  const holder = spawn(python, ["-c", script, path], { detached: true, stdio: ["pipe", "pipe", "inherit"] });
  await supervise("lock holder", holder);
  for await (const line of createInterface({ input: holder.stdout })) {
    if (line === "waiting") onWait();
    if (line === "locked") return { release: () => holder.stdin.end() };
  }
  throw new Error(`the lock ${path} could not be taken: see the message above`);
}

/** Runs a command to its end; fails with the end of its output. */
export async function run(
  what: string,
  command: string,
  args: readonly string[],
  onLine: (line: string) => void = () => {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const child = spawn(command, args, { detached: true, env, stdio: ["ignore", "pipe", "pipe"] });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      output.push(line);
      onLine(line);
    });
  }
  // After "close", unlike after "exit", all output has been read.
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const how = await (await supervise(what, child)).exited;
  await closed;
  if (how !== "exit status 0") throw new Error(`${what} failed (${how})\n${output.slice(-15).join("\n")}`.trimEnd());
}

/** Picks pip's steps from its output, at most one in {@link reportEveryMs}. */
function stepReporter(report: (step: string) => void): (line: string) => void {
  let last = Number.NEGATIVE_INFINITY;
  let collected = 0;
  return (line) => {
    const step = /^\s*(Collecting|Downloading|Building|Installing collected packages)\s?([^\s:]*)/.exec(line);
    if (step === null) return;
    if (step[1] === "Collecting") collected++;
    if (step[1] !== "Installing collected packages" && performance.now() - last < reportEveryMs) return;
    last = performance.now();
    report(`${step[1]} ${step[2] || `(${collected})`}`);
  };
}
