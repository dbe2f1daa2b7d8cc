import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Environment } from "../../src/config/environment.ts";
import { dropped, formerNames } from "../../src/config/former-names.ts";
import { keysOf } from "../../src/config/key.ts";
import { loadConfig } from "../../src/config/load.ts";
import { configFile } from "../../src/config/schema.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "former-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function load(text: string, env: Environment) {
  const path = join(folder, "letta-matrix.yaml");
  await writeFile(path, text);
  return loadConfig(path, env);
}

const older = {
  MATRIX_HOMESERVER_URL: "http://synapse:8008",
  MATRIX_SERVER_NAME: "example.org",
  MATRIX_REGISTRATION_TOKEN: "reg-token",
  MATRIX_ADMIN_USERNAME: "@boss:example.org",
  MATRIX_ADMIN_PASSWORD: "boss-password",
  MATRIX_USERNAME: "reader",
  MATRIX_PASSWORD: "reader-password",
  MATRIX_AGENT_SYNC_INTERVAL: "60",
  DISABLED_AGENT_IDS: "agent-1, agent-2",
  LETTA_API_URL: "ws://letta:4500",
  LETTA_TOKEN: "letta-token",
  LETTA_API_KEY: "another-letta-token",
  LETTA_STREAMING_IDLE_TIMEOUT: "90",
  INTERNAL_API_KEY: "internal-key",
  LETTA_WEBHOOK_SECRET: "webhook-secret",
  LOG_LEVEL: "WARNING",
};

test("the older system's variables alone configure it", async () => {
  expect(await load("", older)).toMatchObject({
    homeserver: {
      url: "http://synapse:8008",
      serverName: "example.org",
      registration: { kind: "token", token: "reg-token" },
    },
    letta: { url: "ws://letta:4500", token: "letta-token", idleTimeoutMs: 90_000 },
    coreUsers: {
      admin: { localpart: "boss", password: "boss-password" },
      letta: { localpart: "reader", password: "reader-password" },
    },
    formerClients: { internalKey: "internal-key", webhookSecret: "webhook-secret", legacyOpen: false },
    discovery: { intervalMs: 60_000, disabled: ["agent-1", "agent-2"] },
    log: { level: "warn" },
  });
});

test.each([
  ["the older one", { LETTA_API_URL: "http://letta:8283" }, ""],
  ["today's", { LETTA_API_URL: "", LETTA_MATRIX_LETTA_URL: "https://api.letta.com" }, ""],
  ["the file", { LETTA_API_URL: "" }, "letta: { url: 'http://letta:8283' }"],
])("their token is the REST API's key where %s names its address", async (_, env, text) => {
  const { letta } = await load(text, { ...older, ...env });
  expect(letta).toMatchObject({ url: expect.stringMatching(/^http/), apiKey: "letta-token" });
  expect(letta).not.toHaveProperty("token");
});

test("they win over the file, and today's names win over them", async () => {
  const text = "homeserver: { registration: { shared_secret: s3cret } }\nlog: { level: error }";
  expect((await load(text, older)).log.level).toBe("warn");
  expect((await load(text, older)).homeserver.registration).toEqual({ kind: "token", token: "reg-token" });
  const both = {
    ...older,
    LETTA_MATRIX_LOG_LEVEL: "trace",
    LETTA_MATRIX_HOMESERVER_REGISTRATION_SHARED_SECRET: "s3cret-2",
  };
  const config = await load("", both);
  expect(config.log.level).toBe("trace");
  expect(config.homeserver.registration).toEqual({ kind: "shared-secret", secret: "s3cret-2" });
});

test("one that is wrong is named, with the key that it sets", async () => {
  await expect(load("", { ...older, MATRIX_AGENT_SYNC_INTERVAL: "often" })).rejects.toThrow(
    "MATRIX_AGENT_SYNC_INTERVAL (discovery.interval) must be a number with a unit: ms, s, m or h",
  );
});

test("those that nothing corresponds to, and empty ones, are let pass", async () => {
  const meaningless = Object.fromEntries(Object.keys(dropped).map((variable) => [variable, "x"]));
  expect((await load("", { ...older, ...meaningless, LETTA_API_KEY: "" })).letta.token).toBe("letta-token");
});

test("each sets a key that there is", () => {
  const known = keysOf(configFile).map(({ path }) => path.join("."));
  expect(formerNames.filter(({ path }) => !known.includes(path.join(".")))).toEqual([]);
});
