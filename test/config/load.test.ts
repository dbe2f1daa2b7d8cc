import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { usualAgentTools } from "../../src/config/agent-tools.ts";
import { ConfigError } from "../../src/config/config-error.ts";
import type { Environment } from "../../src/config/environment.ts";
import { loadConfig, readConfigFile, secretsOf } from "../../src/config/load.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-"));
});
afterEach(() => rm(folder, { recursive: true }));

const minimal = `
homeserver:
  url: http://localhost:8008/
  server_name: example.org
  registration: { shared_secret: s3cret }
letta: { url: "ws://127.0.0.1:4500" }
`;

async function load(text: string, env: Environment = {}) {
  const path = join(folder, "letta-matrix.yaml");
  await writeFile(path, text);
  return loadConfig(path, env);
}

async function problemsOf(text: string, env: Environment = {}) {
  const error = await load(text, env).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConfigError)) throw new Error("expected the configuration to be refused", { cause: error });
  return error.problems;
}

describe("a configuration", () => {
  test("needs little, and gets the documented defaults", async () => {
    expect(await load(minimal)).toEqual({
      homeserver: {
        url: "http://localhost:8008",
        serverName: "example.org",
        registration: { kind: "shared-secret", secret: "s3cret" },
      },
      letta: {
        url: "ws://127.0.0.1:4500",
        toolAllowList: [],
        toolAskList: [],
        matrixTools: usualAgentTools,
        attachTools: false,
        idleTimeoutMs: 300_000,
      },
      dataFolder: join(folder, "data"),
      invite: [],
      coreUsers: { admin: { localpart: "admin" }, letta: { localpart: "letta" } },
      space: { name: "Letta Agents", aliasLocalpart: "letta-agents" },
      discovery: { intervalMs: 30_000, graceMs: 7_200_000, disabled: [] },
      audit: { intervalMs: 3_600_000 },
      rooms: { nameTemplate: "{agent} - Letta Agent Chat" },
      avatars: { kind: "generated" },
      invitations: { people: [], servers: [] },
      commands: { people: [] },
      history: { importLimit: 15 },
      agents: { mostHops: 10 },
      formerClients: { legacyOpen: false },
      drafts: { ratePerSecond: 0.2, burst: 10 },
      api: { allowedHosts: [], allowedOrigins: [], ratePerMinute: 1_200 },
      log: { level: "info" },
    });
  });

  test("has two core users unless it says none, and never tells their passwords nor the administrator's token", async () => {
    const config = await load(`${minimal}core_users: { admin: none, letta: reader, letta_password: s3cret-2 }\n`, {
      LETTA_MATRIX_HOMESERVER_ADMIN_TOKEN: "s3cret-3",
    });
    expect(config.coreUsers).toEqual({ letta: { localpart: "reader", password: "s3cret-2" } });
    expect(config.homeserver.adminToken).toBe("s3cret-3");
    expect(secretsOf(config)).toEqual(["s3cret", "s3cret-3", "s3cret-2"]);
    const twice = { LETTA_MATRIX_CORE_USERS_ADMIN: "@admin:example.org" };
    expect(
      await problemsOf(`${minimal}core_users: { letta_password: a, letta_password_file: b }\n`, twice),
    ).toHaveLength(2);
  });

  test("lets those command agents who are invited, unless it names others", async () => {
    const invited = `${minimal}invite: ["@anna:example.org"]\n`;
    expect((await load(invited)).commands.people).toEqual(["@anna:example.org"]);
    const named = await load(`${invited}commands: { people: ["@bert:example.org"] }\n`);
    expect(named.commands.people).toEqual(["@bert:example.org"]);
  });

  test("has sections that may be empty", async () => {
    expect((await load(`${minimal}\nspace:\ndrafts:\n  # rate: 1\nlog: {}\n`)).log.level).toBe("info");
  });

  test.each([
    ["250ms", 250],
    ["30s", 30_000],
    ["1.5m", 90_000],
    ["2h", 7_200_000],
  ])("reads the duration %s", async (text, ms) => {
    expect((await load(`${minimal}\ndiscovery: { interval: ${text} }`)).discovery.intervalMs).toBe(ms);
  });

  test("takes the environment over the file", async () => {
    const config = await load(minimal, {
      LETTA_MATRIX_HOMESERVER_URL: "https://matrix.example.org",
      LETTA_MATRIX_DRAFTS_RATE: "2.5",
      LETTA_MATRIX_INVITE: "@a:example.org, @b:example.org",
      LETTA_MATRIX_HOMESERVER_REGISTRATION_REGISTRATION_TOKEN: "t0ken",
    });
    expect(config.homeserver.url).toBe("https://matrix.example.org");
    expect(config.homeserver.registration).toEqual({ kind: "token", token: "t0ken" });
    expect(config.drafts.ratePerSecond).toBe(2.5);
    expect(config.invite).toEqual(["@a:example.org", "@b:example.org"]);
  });

  test("is not disturbed by what Kubernetes sets for a service called letta-matrix", async () => {
    const env = { LETTA_MATRIX_SERVICE_HOST: "10.0.0.1", LETTA_MATRIX_PORT_8080_TCP_ADDR: "10.0.0.1" };
    expect((await load(minimal, env)).homeserver.url).toBe("http://localhost:8008");
  });

  test("reads secrets from files beside it, and names them for the log", async () => {
    await mkdir(join(folder, "secrets"));
    await writeFile(join(folder, "secrets", "registration"), "from-a-file\n");
    await writeFile(join(folder, "secrets", "letta"), "letta-token\n");
    const config = await load(
      minimal
        .replace("shared_secret: s3cret", "shared_secret_file: secrets/registration")
        .replace("letta: {", "letta: { token_file: secrets/letta,"),
    );
    expect(config.homeserver.registration).toEqual({ kind: "shared-secret", secret: "from-a-file" });
    expect(config.letta.token).toBe("letta-token");
    expect(secretsOf(config)).toEqual(["from-a-file", "letta-token"]);
  });

  test("reads the key to Letta's REST API, and names it for the log", async () => {
    await writeFile(join(folder, "api-key"), "sk-let-1\n");
    const rest = "letta: { url: https://api.letta.com, api_key_file: api-key }";
    const { letta, ...config } = await load(minimal.replace(/^letta: .*$/m, rest));
    expect(letta).toMatchObject({ url: "https://api.letta.com", apiKey: "sk-let-1" });
    expect(secretsOf({ letta, ...config })).toContain("sk-let-1");
  });

  test("may be read without its secrets", async () => {
    const path = join(folder, "letta-matrix.yaml");
    await writeFile(path, minimal.replace("shared_secret: s3cret", "shared_secret_file: /nowhere/secret"));
    expect((await readConfigFile(path, {})).data_folder).toBe("data");
    await expect(loadConfig(path, {})).rejects.toThrow(
      "homeserver.registration.shared_secret_file names /nowhere/secret, which cannot be read (ENOENT)",
    );
  });
});

describe("the agents' picture", () => {
  const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
  const chosen = async (picture: string) => (await load(`${minimal}\navatars: { picture: "${picture}" }`)).avatars;

  test("is drawn for each, none, or one that the homeserver has", async () => {
    expect(await chosen("generated")).toEqual({ kind: "generated" });
    expect(await chosen("none")).toEqual({ kind: "none" });
    expect(await chosen("mxc://example.org/abc-DEF")).toEqual({ kind: "address", url: "mxc://example.org/abc-DEF" });
  });

  test("is read from a file beside the configuration, and another file is another picture", async () => {
    await writeFile(join(folder, "logo.bin"), png);
    await writeFile(join(folder, "other.bin"), Buffer.concat([png, Buffer.of(1)]));
    const logo = await chosen("logo.bin");
    expect(logo).toMatchObject({ kind: "file", name: "logo.bin", contentType: "image/png" });
    const sources = [logo, await chosen("other.bin"), await chosen("logo.bin")].map((choice) =>
      choice.kind === "file" ? choice.source : undefined,
    );
    expect(new Set(sources).size).toBe(2);
    expect(sources[0]).toBe(sources[2]);
  });

  test.each([
    ["nowhere.png", "which cannot be read (ENOENT)"],
    ["letta-matrix.yaml", "which is no PNG, JPEG, GIF or WebP picture"],
    ["mxc://no-media", "is no mxc:// address"],
  ])("is refused when it is %s", async (picture, message) => {
    expect(await problemsOf(`${minimal}\navatars: { picture: "${picture}" }`)).toMatchObject([
      { key: "avatars.picture", message: expect.stringContaining(message) },
    ]);
  });
});

describe("a wrong configuration is refused, naming the key, what is wrong and what would be right", () => {
  test("a missing key", async () => {
    expect(await problemsOf(minimal.replace("server_name", "# server_name"))).toEqual([
      { key: "homeserver.server_name", message: "is missing", example: "server_name: example.org" },
    ]);
  });

  test("an empty file: all that is missing", async () => {
    expect((await problemsOf("")).map(({ key }) => key)).toEqual([
      "homeserver.url",
      "homeserver.server_name",
      "letta.url",
      "homeserver.registration",
    ]);
  });

  test("an unknown key, with the nearest name", async () => {
    expect(await problemsOf(`${minimal}\ndiscvery: { interval: 1m }`)).toEqual([
      { key: "discvery", message: "is not a known key; did you mean discovery?" },
    ]);
    expect(await problemsOf(`${minimal}\nlog: { levl: debug }`)).toEqual([
      { key: "log.levl", message: "is not a known key; did you mean level?", example: "level: info" },
    ]);
    expect(await problemsOf(`${minimal}\nlog: { colour: red }`)).toEqual([
      { key: "log.colour", message: "is not a known key; known here: level" },
    ]);
  });

  const bare = "must not hold a user name, a password, a query or a fragment: addresses are no secrets";
  test.each([
    [
      "letta: { url: ftp://localhost }",
      "letta.url",
      "must be a ws(s):// (Letta App Server) or http(s):// address (Letta Cloud, Letta V1)",
    ],
    [
      "letta: { url: https://localhost, token: x }",
      "letta.token",
      "is not for Letta's REST API (http://, https://): that takes api_key",
    ],
    [
      "letta: { url: ws://localhost, api_key_file: x }",
      "letta.api_key_file",
      "is not for a Letta App Server (ws://, wss://): that takes token_file",
    ],
    ["letta: { url: ws://me:pw@localhost }", "letta.url", bare],
    ["letta: { url: 'ws://localhost/ws?token=x' }", "letta.url", bare],
    ["discovery: { interval: 30 }", "discovery.interval", "must be a number with a unit: ms, s, m or h"],
    ["discovery: { interval: 0s }", "discovery.interval", "must be longer than nothing"],
    ["drafts: { rate: fast }", "drafts.rate", "must be a number"],
    ["invite: ['you']", "invite.0", "must be a full Matrix user id"],
    ["rooms: { name: Agent }", "rooms.name", "must contain {agent}"],
    ["log: { level: loud }", "log.level", "must be one of trace, debug, info, warn, error, fatal"],
    ["api: { listen: 127.0.0.1 }", "api.listen", "must be an address and a port, such as 127.0.0.1:8290, or none"],
    ["api: { listen: '127.0.0.1:65536' }", "api.listen", "must have a port up to 65535"],
    ["api: { rate: 0 }", "api.rate", "must be at least 1"],
    ["space: 5", "space", "must be a section with keys of its own"],
  ])("%s", async (line, key, message) => {
    const section = line.slice(0, line.indexOf(":"));
    const rest = minimal.split("\n").filter((text) => !text.startsWith(`${section}:`));
    const [problem] = await problemsOf([...rest, line].join("\n"));
    expect(problem).toMatchObject({ key, message });
    if (line !== "space: 5") expect(problem?.example).toBeDefined();
  });

  test("two ways to register, or none", async () => {
    const both = minimal.replace("s3cret", "s3cret, registration_token: t0ken");
    expect((await problemsOf(both))[0]?.message).toBe("has shared_secret and registration_token: keep one of them");
    const none = minimal.replace("shared_secret: s3cret", "");
    expect((await problemsOf(none))[0]?.message).toMatch("needs one of shared_secret_file, shared_secret");
  });

  test("an environment variable", async () => {
    expect(await problemsOf(minimal, { LETTA_MATRIX_DRAFTS_RATE: "fast" })).toEqual([
      { key: "LETTA_MATRIX_DRAFTS_RATE (drafts.rate)", message: "must be a number", example: "rate: 0.2" },
    ]);
    expect(await problemsOf(minimal, { LETTA_MATRIX_HOMESERVR_URL: "http://x" })).toEqual([
      { key: "LETTA_MATRIX_HOMESERVR_URL", message: "sets no key; did you mean LETTA_MATRIX_HOMESERVER_URL?" },
    ]);
  });

  test("a missing file, and what to do", async () => {
    const error = await loadConfig(join(folder, "none.yaml"), {}).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: expect.stringContaining("no such file"),
      remedy: expect.stringContaining("--config"),
    });
  });

  test("broken YAML, without quoting the line, for it may hold a secret", async () => {
    const [problem] = await problemsOf("homeserver:\n  shared_secret: 'hidden\nx: [");
    expect(problem?.message).toMatch(/^is not YAML: .* at line \d+, column \d+$/);
    expect(problem?.message).not.toContain("hidden");
  });

  test("a secret that is wrong does not show up in the message", async () => {
    const problems = await problemsOf(minimal.replace("s3cret", "[s3cret]"));
    expect(JSON.stringify(problems)).not.toContain("s3cret");
  });
});
