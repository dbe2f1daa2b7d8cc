import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureLetta } from "../servers/install.ts";
import { registerUser } from "../servers/matrix-users.ts";
import { type RunningProcess, supervise } from "../servers/process.ts";
import { type Stack, startStack } from "../servers/stack.ts";
import { answered } from "./answers.ts";
import { main } from "./command.ts";
import { eventually } from "./eventually.ts";
import { Person } from "./person.ts";

/** The page for first-time operators, followed to the letter: its commands are run as they stand there. */

const page = join(import.meta.dirname, "../../docs/getting-started.md");

describe("docs/getting-started.md", { timeout: 240_000 }, () => {
  let dir: string;
  let stack: Stack;
  let me: Person;
  let blocks: string[];
  let env: Record<string, string>;
  let values = "";
  let running: RunningProcess | undefined;
  let failed = true;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "walk-"));
    stack = await startStack({ dir: join(dir, "servers"), rateLimits: "lifted" });
    const { baseUrl } = stack.synapse;
    me = await new Person({ baseUrl, ...(await registerUser(stack.synapse, "you")) }).open();
    const bin = join(dir, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "letta-matrix"), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
    await chmod(join(bin, "letta-matrix"), 0o755);
    const { command } = await ensureLetta();
    env = {
      PATH: [bin, dirname(command), process.env["PATH"] ?? ""].join(":"),
      HOME: join(dir, "servers", "letta", "home"),
      LANG: "C.UTF-8",
      DISABLE_AUTOUPDATER: "1",
      DO_NOT_TRACK: "1",
      LETTA_CODE_OFFLINE: "1",
      LETTA_CODE_TELEM: "0",
      LETTA_SKIP_KEYCHAIN_CHECK: "1",
    };
    blocks = [...(await readFile(page, "utf8")).matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);
    await mkdir(join(dir, "operator"));
  }, 240_000);

  afterAll(async () => {
    await running?.stop();
    await me?.close();
    await stack?.stop();
    if (failed) process.stderr.write(`\nThe logs and data of this walk are in ${dir}\n`);
    else await rm(dir, { recursive: true, force: true });
  }, 60_000);

  const start = (block: string) =>
    spawn("bash", ["--norc", "-euo", "pipefail", "-c", `${values}\n${block}`], {
      cwd: join(dir, "operator"),
      env,
      detached: true,
      stdio: "pipe",
    });

  /** Types the page's next block into a terminal, which is given `input`. */
  async function follow(input = "") {
    const block = blocks.shift() ?? "";
    const child = start(block);
    child.stdin.end(input);
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    expect({ block, code: child.exitCode, err }).toEqual({ block, code: 0, err: "" });
    return { block, out };
  }

  it("leads from nothing to an agent that talks", async () => {
    // 1. "Put your own values in": the only block that is not taken as it stands.
    const own: Record<string, string> = {
      HOMESERVER: stack.synapse.baseUrl,
      SERVER_NAME: stack.synapse.serverName,
      ME: me.userId,
      LETTA: stack.letta.url.replace(/\/ws$/, ""),
      MODEL: stack.letta.modelHandle,
    };
    values = (blocks.shift() ?? "").replace(/^export (\w+)=\S+/gm, (_, name: string) => {
      expect(Object.keys(own)).toContain(name);
      return `export ${name}=${own[name]}`;
    });

    // 2. With "Then restart the App Server".
    await follow();
    await stack.letta.restart();

    // 3.
    const operator = join(dir, "operator");
    await follow(`${stack.synapse.registrationSharedSecret}\n`);
    const written = await follow();
    expect(written.out).toContain("letta-matrix.yaml is written");
    for (const file of ["letta-matrix.yaml", "registration_shared_secret"])
      expect((await stat(join(operator, file))).mode & 0o777, file).toBe(0o600);

    await follow();

    // 4.
    const run = blocks.shift() ?? "";
    expect(run).toBe("letta-matrix run\n");
    const program = start(run);
    let log = "";
    program.stdout.on("data", (data: Buffer) => {
      log += data.toString();
    });
    running = await supervise("letta-matrix", program);
    await eventually("its first log lines", () => (log.includes('"msg":"running"') ? true : undefined));
    expect((await follow()).out).toMatch(/^server +localhost\n/);

    // 5.
    const listing = blocks.shift() ?? "";
    const scout = await eventually("Scout in the list, listening", async () => {
      blocks.unshift(listing);
      const { out } = await follow();
      return /^Scout +(@\S+) .* ready +polling /m.exec(out)?.[1];
    });

    expect((await follow()).out).toBe("1 agent listed: nothing has changed\n");

    // 6.
    const bot = `@letta-matrix:${stack.synapse.serverName}`;
    const space = await me.until("an invitation to the space", () => me.invitedBy(bot));
    const room = await me.until("an invitation to Scout's room", () => me.invitedBy(scout));
    await me.join(space);
    await me.join(room);
    const questionId = await me.say(room, "Hello, who are you?");
    const answer = await me.until("an answer", () => answered(me.events(room), questionId));
    expect(answer.outcome).toBe("answer");
    expect((await follow()).out).toMatch(/^name +Scout\n/);
    expect(blocks).toEqual([]);

    // "Ctrl-C ends the program"
    await running.kill("SIGINT");
    expect(await running.exited).toBe("exit status 0");
    failed = false;
  });
});
