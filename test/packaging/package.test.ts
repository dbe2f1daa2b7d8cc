import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** What a user gets who installs the package: it is packed, and installed globally into an empty prefix. */

const execute = promisify(execFile);
const patience = 200_000;
const project = join(import.meta.dirname, "..", "..");

let folder: string;
let prefix: string;
let installed: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "package-"));
  prefix = join(folder, "prefix");
  const { stdout } = await execute("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: project,
    timeout: patience,
  });
  const tarball = join(folder, stdout.trim().split("\n").at(-1) ?? "");
  await execute("npm", ["install", "--global", `--prefix=${prefix}`, `--cache=${join(folder, "cache")}`, tarball], {
    cwd: folder,
    env: outside,
    timeout: patience,
  });
  installed = join(prefix, "lib", "node_modules", "letta-matrix");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The shell of a user: npm adds commands and settings of this project while it runs its scripts. */
const outside: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV|NODE_OPTIONS|VITEST)/.test(name)),
);
outside["PATH"] = (process.env["PATH"] ?? "")
  .split(":")
  .filter((entry) => !entry.includes("node_modules"))
  .join(":");

const major = (version: string): number => Number(/^v(\d+)/.exec(version)?.[1]);

async function nodes(): Promise<readonly (readonly [title: string, path: string])[]> {
  const { stdout } = await execute("sh", ["-c", "command -v node && node --version"], { env: outside });
  const [path = "", version = ""] = stdout.split("\n");
  return major(version) < 22
    ? [
        ["this Node", process.execPath],
        [`the machine's ${version}`, path],
      ]
    : [["this Node", process.execPath]];
}

const candidates = await nodes();
const bin = (): string => join(prefix, "bin", "letta-matrix");

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

function start(
  node: string,
  args: readonly string[],
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(node, [bin(), ...args], { cwd: folder, env: outside, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (data: Buffer) => {
    out += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    err += data.toString();
  });
  const ended = once(child, "close").then(() => ({ code: child.exitCode, signal: child.signalCode, out, err }));
  return { child, ended };
}

describe("the package", () => {
  test("holds compiled JavaScript that imports no TypeScript, the sample configuration, and no tests", async () => {
    const files = await readdir(installed, { recursive: true });
    const own = files.filter((file) => !file.startsWith("node_modules"));
    expect(own).toEqual(
      expect.arrayContaining([
        "config/letta-matrix.yaml",
        "docs/configuration.md",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
      ]),
    );
    expect(own.filter((file) => /\.tsx?$|\.test\.|^test|^src/.test(file))).toEqual([]);
    const compiled = own.filter((file) => file.startsWith("dist") && file.endsWith(".js"));
    expect(compiled.length).toBeGreaterThan(50);
    for (const file of compiled) {
      const code = await readFile(join(installed, file), "utf8");
      expect(code, file).not.toMatch(/(from|import\() ?"\.[^"]*\.ts"/);
    }
  });

  test("needs none of the development dependencies", async () => {
    const manifest: { devDependencies: Record<string, string> } = JSON.parse(
      await readFile(join(project, "package.json"), "utf8"),
    );
    const present = await readdir(join(installed, "node_modules"));
    expect(Object.keys(manifest.devDependencies).filter((name) => present.includes(name))).toEqual([]);
  });
});

describe.each(candidates)("the installed command with %s", (_, node) => {
  test("tells its version and draws a chart", async () => {
    const manifest: { version: string } = JSON.parse(await readFile(join(project, "package.json"), "utf8"));
    expect(await start(node, ["--version"]).ended).toEqual({
      code: 0,
      signal: null,
      out: `${manifest.version}\n`,
      err: "",
    });
    expect((await start(node, ["chart", "conversation", "--format", "mermaid"]).ended).out).toContain(
      "stateDiagram-v2",
    );
    expect((await start(node, ["chart", "agent", "--format", "svg"]).ended).out).toMatch(/^<svg /);
  });

  test("refuses a wrong configuration, and says why", async () => {
    const path = join(folder, "wrong.yaml");
    await writeFile(path, "homeserver: { url: nowhere }");
    const { code, err } = await start(node, ["run", "--config", path]).ended;
    expect(code).toBe(78);
    expect(err).toContain("homeserver.url must be an http:// or https:// address");
  });

  describe("running", () => {
    let homeserver: Server;
    let config: string;

    beforeAll(async () => {
      homeserver = createServer((_request, response) => response.writeHead(503).end("{}")).listen(0, "127.0.0.1");
      await once(homeserver, "listening");
      const address = homeserver.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      config = join(folder, `run-${candidates.findIndex(([, path]) => path === node)}.yaml`);
      await writeFile(
        config,
        `homeserver: { url: "http://127.0.0.1:${port}", server_name: example.org, registration: { shared_secret: x } }
letta: { url: "ws://127.0.0.1:${port}" }
data_folder: data-${candidates.findIndex(([, path]) => path === node)}
`,
      );
    });
    afterAll(() => {
      homeserver.closeAllConnections();
      homeserver.close();
    });

    test("answers `status`, and stops when it is asked to", async () => {
      const { child, ended } = start(node, ["run", "--config", config]);
      await logged(child, "running");
      const status = await start(node, ["status", "--config", config, "--json"]).ended;
      expect(status).toMatchObject({ code: 0, err: "" });
      expect(JSON.parse(status.out)).toMatchObject({ server: "example.org" });
      child.kill("SIGTERM");
      const { code, signal, out } = await ended;
      expect({ code, signal }).toEqual({ code: 0, signal: null });
      expect(out).toContain('"msg":"stopped"');
      expect((await start(node, ["status", "--config", config]).ended).code).toBe(69);
    });

    test("ends when what the shell started is killed", async () => {
      const { child } = start(node, ["run", "--config", config]);
      await logged(child, "running");
      child.kill("SIGKILL");
      await expect
        .poll(() => start(node, ["status", "--config", config]).ended.then(({ code }) => code), {
          timeout: 30_000,
          interval: 250,
        })
        .toBe(69);
    });
  });
});

function logged(child: ChildProcess, message: string): Promise<void> {
  let seen = "";
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (data: Buffer) => {
      seen += data.toString();
      if (seen.includes(`"msg":"${message}"`)) resolve();
    });
    child.once("close", () => reject(new Error(`ended before it logged "${message}": ${seen}`)));
  });
}
