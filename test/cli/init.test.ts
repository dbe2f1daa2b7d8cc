import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exitCode } from "../../src/cli/exit-code.ts";
import { type InitOptions, init } from "../../src/cli/init/init.ts";
import { loadConfig } from "../../src/config/load.ts";
import { printing } from "./printed.ts";

let folder: string;
let config: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "init-"));
  config = join(folder, "letta-matrix.yaml");
});

afterEach(() => rm(folder, { recursive: true }));

async function initialise(options: Omit<InitOptions, "config">, answers?: string[]) {
  const { printed, console } = printing();
  const questions: string[] = [];
  const ask = async (question: string): Promise<string> => {
    questions.push(question);
    return answers?.shift() ?? "";
  };
  const code = await init(
    { config, ...options },
    {
      console,
      withQuestions: answers === undefined ? undefined : (use) => use(ask),
    },
  );
  return { code, questions, ...printed };
}

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;

describe("init", () => {
  test("asks what it has to know, and writes a configuration that can be used", async () => {
    const { code, questions, out } = await initialise({}, [
      "https://matrix.example.org",
      "example.org",
      "",
      "",
      "@me:example.org, @you:example.org",
    ]);
    expect(code).toBe(exitCode.ok);
    expect(questions).toHaveLength(5);
    expect(await loadConfig(config, {})).toMatchObject({
      homeserver: { url: "https://matrix.example.org", serverName: "example.org" },
      letta: { url: "ws://127.0.0.1:4500" },
      invite: ["@me:example.org", "@you:example.org"],
      dataFolder: join(folder, "data"),
    });
    expect(out).toContain(`letta-matrix run --config ${config}`);
  });

  test("asks again where an answer cannot be used, and says why", async () => {
    const { code, out, questions } = await initialise({ serverName: "example.org", letta: "ws://here" }, [
      "matrix.example.org",
      "https://matrix.example.org",
      "",
      "me",
      "@me:example.org",
    ]);
    expect(code).toBe(exitCode.ok);
    expect(questions).toHaveLength(5);
    expect(out).toContain("That cannot be used: it must be an http:// or https:// address.");
    expect(out).toContain("That cannot be used: it must be a full Matrix user id.");
  });

  test("by options asks nothing, and writes files that nobody else can read", async () => {
    const { code, out } = await initialise({ yes: true, serverName: "example.org", invite: ["@me:example.org"] });
    expect(code).toBe(exitCode.ok);
    const secretFile = join(folder, "registration_shared_secret");
    expect([await modeOf(config), await modeOf(secretFile)]).toEqual([0o600, 0o600]);
    const secret = (await readFile(secretFile, "utf8")).trim();
    expect(secret).toHaveLength(43);
    expect((await loadConfig(config, {})).homeserver.registration).toEqual({ kind: "shared-secret", secret });
    expect(out).toContain(`${secretFile} holds a new secret. Write it into Synapse's homeserver.yaml`);
    expect(out + (await readFile(config, "utf8"))).not.toContain(secret);
  });

  test("uses the secret that there is, wherever its file is", async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), "secret-"));
    try {
      const sharedSecretFile = join(elsewhere, "secret");
      await writeFile(sharedSecretFile, "the homeserver's\n");
      const { code, out } = await initialise({ yes: true, serverName: "example.org", sharedSecretFile });
      expect(code).toBe(exitCode.ok);
      expect((await loadConfig(config, {})).homeserver.registration).toMatchObject({ secret: "the homeserver's" });
      expect(out).not.toContain("holds a new secret");
      expect(out).toContain("Nobody is invited yet");
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  test("finds the file that it was told of, seen from where it was told", async () => {
    const typed = relative(process.cwd(), join(folder, "secret"));
    await writeFile(join(folder, "secret"), "the homeserver's\n");
    expect((await initialise({}, ["", "example.org", typed, "", ""])).code).toBe(exitCode.ok);
    expect((await loadConfig(config, {})).homeserver.registration).toMatchObject({ secret: "the homeserver's" });
  });

  test.each([
    ["ws://127.0.0.1:4500", { token: "the secret" }],
    ["https://api.letta.com", { apiKey: "the secret" }],
  ])("writes what lets us in under the key that Letta at %s takes", async (letta, expected) => {
    const lettaTokenFile = join(folder, "letta");
    await writeFile(lettaTokenFile, "the secret\n");
    const { code } = await initialise({ yes: true, serverName: "example.org", letta, lettaTokenFile });
    expect(code).toBe(exitCode.ok);
    expect((await loadConfig(config, {})).letta).toMatchObject({ url: letta, ...expected });
  });

  test("never replaces a configuration", async () => {
    await writeFile(config, "mine");
    const { code, err } = await initialise({ yes: true, serverName: "example.org" });
    expect(code).toBe(exitCode.failed);
    expect(err).toContain("exists already, and is left as it is");
    expect(await readFile(config, "utf8")).toBe("mine");
    expect(await readdir(folder)).toEqual(["letta-matrix.yaml"]);
  });

  test("never replaces a secret", async () => {
    const secretFile = join(folder, "registration_shared_secret");
    await writeFile(secretFile, "mine");
    const { code, err } = await initialise({ yes: true, serverName: "example.org" });
    expect(code).toBe(exitCode.failed);
    expect(err).toContain(`--shared-secret-file ${secretFile}`);
    expect(await readdir(folder)).toEqual(["registration_shared_secret"]);
    expect(await readFile(secretFile, "utf8")).toBe("mine");
  });

  test.each([
    ["an address that is none", { homeserver: "matrix.example.org" }, "homeserver.url must be an http://"],
    ["a secret that is not there", { sharedSecretFile: "/nowhere/secret" }, "shared_secret_file"],
  ])("leaves nothing behind with %s", async (_, options, problem) => {
    const { code, err } = await initialise({ yes: true, serverName: "example.org", ...options });
    expect(code).toBe(exitCode.config);
    expect(err).toContain(problem);
    expect(await readdir(folder)).toEqual([]);
  });

  test("guesses no server name, and asks nobody where there is nobody", async () => {
    const unnamed = await initialise({ yes: true });
    expect(unnamed.code).toBe(exitCode.usage);
    expect(unnamed.err).toContain("--server-name is missing");
    const alone = await initialise({});
    expect(alone.code).toBe(exitCode.usage);
    expect(alone.err).toContain("Give --yes");
  });
});
