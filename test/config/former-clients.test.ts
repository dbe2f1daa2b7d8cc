import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Environment } from "../../src/config/environment.ts";
import { loadConfig, secretsOf } from "../../src/config/load.ts";

const minimal = `
homeserver: { url: "http://localhost:8008", server_name: example.org, registration: { shared_secret: s3cret } }
letta: { url: "ws://127.0.0.1:4500" }
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "former-clients-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function load(text: string, env: Environment = {}) {
  const path = join(folder, "letta-matrix.yaml");
  await writeFile(path, minimal + text);
  return loadConfig(path, env);
}

test("nobody is let in without a token by default", async () => {
  expect((await load("")).formerClients).toEqual({ legacyOpen: false });
});

test.each([
  ["api: { legacy_open: true }", {}, true],
  ["api: { legacy_open: false }", { LETTA_MATRIX_API_LEGACY_OPEN: "true" }, true],
  ["api: { legacy_open: true }", { LETTA_MATRIX_API_LEGACY_OPEN: "false" }, false],
])("%s with %j opens: %s", async (text, env, legacyOpen) => {
  expect((await load(text, env)).formerClients).toEqual({ legacyOpen });
});

test.each(["public_url: https://agents.example.org", "allowed_hosts: [localhost, agents.example.org]"])(
  "whoever lets everybody in is not served behind a proxy: %s",
  async (other) => {
    const [key] = other.split(":");
    await expect(load(`api: { legacy_open: true, ${other} }`)).rejects.toThrow(
      new RegExp(`api\\.legacy_open.*without a token, and api\\.${key} says`, "s"),
    );
    await expect(load(`api: { ${other} }`)).resolves.toBeDefined();
  },
);

test("whoever lets everybody in may be called by this machine's own names", async () => {
  const names = "[localhost, 127.0.0.1, '::1']";
  expect((await load(`api: { legacy_open: true, allowed_hosts: ${names} }`)).formerClients.legacyOpen).toBe(true);
});

test("anything but true and false is refused", async () => {
  await expect(load("api: { legacy_open: perhaps }")).rejects.toThrow(/api\.legacy_open.*must be true or false/s);
});

test("the secrets are read from files, too, and never logged", async () => {
  await writeFile(join(folder, "key"), "canary-key\n");
  await writeFile(join(folder, "secret"), "canary-secret\n");
  const config = await load("api: { internal_key_file: key, webhook_secret_file: secret }");
  expect(config.formerClients).toMatchObject({ internalKey: "canary-key", webhookSecret: "canary-secret" });
  expect(secretsOf(config)).toEqual(expect.arrayContaining(["canary-key", "canary-secret"]));
  await expect(load("api: { internal_key_file: key, internal_key: x }")).rejects.toThrow(/keep one of them/);
});

test("today's name, and the file that it names, win over the former variable", async () => {
  const former = { INTERNAL_API_KEY: "former" };
  expect((await load("api: { internal_key: written }", former)).formerClients.internalKey).toBe("former");
  const both = { ...former, LETTA_MATRIX_API_INTERNAL_KEY: "today" };
  expect((await load("", both)).formerClients.internalKey).toBe("today");
});
