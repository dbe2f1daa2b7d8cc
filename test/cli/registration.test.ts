import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { exitCode } from "../../src/cli/exit-code.ts";
import { runCli } from "../../src/cli/program.ts";
import { ConfigError } from "../../src/config/config-error.ts";
import { loadConfig, secretsOf } from "../../src/config/load.ts";
import { cliEnvironment } from "./cli-environment.ts";
import { printing } from "./printed.ts";

let folder: string;
let config: string;
const registration = () => join(folder, "registration.yaml");

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registration-"));
  config = join(folder, "letta-matrix.yaml");
  const appservice = { registration_file: "registration.yaml", listen: "0.0.0.0:29444" };
  const homeserver = { url: "http://localhost:8008", server_name: "example.org", appservice };
  await writeFile(config, JSON.stringify({ homeserver, letta: { url: "ws://127.0.0.1:4500" } }));
});

afterEach(() => rm(folder, { recursive: true }));

async function cli(...args: readonly string[]) {
  const { printed, console } = printing();
  const code = await runCli(["registration", "--config", config, ...args], cliEnvironment({ console }));
  return { code, ...printed };
}

describe("registration", () => {
  test("writes what Synapse and Dendrite read, for nobody else's eyes, and what is then used", async () => {
    const { code, out } = await cli("--for", "synapse");
    expect(code).toBe(exitCode.ok);
    expect(out).toContain("app_service_config_files");
    expect((await stat(registration())).mode & 0o777).toBe(0o600);
    const written = parse(await readFile(registration(), "utf8"));
    expect(written).toMatchObject({
      id: "letta-matrix",
      url: "http://127.0.0.1:29444",
      sender_localpart: "letta-matrix",
      rate_limited: false,
    });
    const matches = (kind: "users" | "aliases", id: string) =>
      written.namespaces[kind].some(({ exclusive, regex }: { exclusive: boolean; regex: string }) =>
        exclusive ? new RegExp(`^(?:${regex})$`).test(id) : false,
      );
    expect(matches("users", "@agent_1:example.org")).toBe(true);
    expect(matches("users", "@letta-matrix:example.org")).toBe(true);
    expect(matches("users", "@agent_1:exampleXorg")).toBe(false);
    expect(matches("users", "@admin:example.org")).toBe(false);
    expect(matches("aliases", "#letta-agents-2:example.org")).toBe(true);
    const loaded = await loadConfig(config, {});
    const { as_token: asToken, hs_token: hsToken } = written;
    const appservice = {
      id: "letta-matrix",
      asToken,
      hsToken,
      listen: "0.0.0.0:29444",
      rateLimited: false,
      exclusive: true,
    };
    expect(loaded.homeserver.appservice).toEqual(appservice);
    expect(loaded.homeserver.registration).toBeUndefined();
    expect(secretsOf(loaded)).toEqual([asToken, hsToken]);
    expect(asToken).not.toBe(hsToken);
    expect(out).not.toContain(asToken);
  });

  test("replaces nothing, and then leaves nothing of its own behind", async () => {
    await writeFile(join(folder, "registration.toml"), "mine");
    const { code, err } = await cli("--for", "tuwunel");
    expect(code).toBe(exitCode.failed);
    expect(err).toContain("exists already");
    await expect(stat(registration())).rejects.toMatchObject({ code: "ENOENT" });
    expect(await readFile(join(folder, "registration.toml"), "utf8")).toBe("mine");
  });

  test("writes a table for Tuwunel, and takes the address at which it reaches us", async () => {
    expect((await cli("--for", "tuwunel", "--url", "http://matrix-agents:29331")).code).toBe(exitCode.ok);
    const table = await readFile(join(folder, "registration.toml"), "utf8");
    const { as_token: asToken } = parse(await readFile(registration(), "utf8"));
    expect(table).toContain("[global.appservice.letta-matrix]\n");
    expect(table).toContain('url = "http://matrix-agents:29331"\n');
    expect(table).toContain(`as_token = ${JSON.stringify(asToken)}\n`);
    expect(table).toContain("[[global.appservice.letta-matrix.users]]\nexclusive = true\n");
  });

  test("leads to one registration: says when it has written another one than the configuration names", async () => {
    const set = "Set homeserver.appservice.registration_file";
    const { out: first } = await cli("--for", "synapse");
    expect(first).not.toContain(set);
    const elsewhere = join(folder, "elsewhere.yaml");
    const { out: second } = await cli("--for", "synapse", "--out", elsewhere);
    expect(second).toContain(`${set} in ${config} to ${elsewhere}`);
    await rm(registration());
    expect((await cli("--for", "synapse", "--out", registration())).out).not.toContain(set);
    for (const out of [first, second]) expect(out).toContain("restart letta-matrix");
  });

  test("refuses an address that no homeserver could push to, and writes a usable one as homeservers want it", async () => {
    for (const url of ["letta-matrix:29331/", "//letta-matrix:29331", "http://", "ftp://letta-matrix"]) {
      const { code, err } = await cli("--for", "dendrite", "--url", url);
      expect(code).toBe(exitCode.failed);
      expect(err).toContain("--url http://host:29331");
    }
    await expect(stat(registration())).rejects.toMatchObject({ code: "ENOENT" });
    await cli("--for", "dendrite", "--url", "https://letta-matrix.example.org/pushed/");
    expect(parse(await readFile(registration(), "utf8")).url).toBe("https://letta-matrix.example.org/pushed");
  });

  test("tells whether the homeserver limits our users: it does unless rate_limited is false", async () => {
    await cli("--for", "synapse");
    const written = await readFile(registration(), "utf8");
    for (const [line, rateLimited] of [
      ["rate_limited: false", false],
      ["rate_limited: true", true],
      ["rate_limited:", true],
      ["", true],
    ] as const) {
      await writeFile(registration(), written.replace("rate_limited: false", line));
      expect((await loadConfig(config, {})).homeserver.appservice).toMatchObject({ rateLimited });
    }
  });

  test("tells whether the homeserver keeps the agents' user ids for us: it does where exclusive is true", async () => {
    await cli("--for", "synapse");
    const written = await readFile(registration(), "utf8");
    for (const [setting, exclusive] of [
      ["exclusive: true,", true],
      ["exclusive: false,", false],
      ["", false],
    ] as const) {
      await writeFile(registration(), written.replaceAll("exclusive: true,", setting));
      expect((await loadConfig(config, {})).homeserver.appservice).toMatchObject({ exclusive });
    }
  });

  test("one by which nothing can work is refused, with what is wrong in it", async () => {
    await cli("--for", "synapse");
    const written = await readFile(registration(), "utf8");
    for (const [line, instead, wrong] of [
      [/^url: .*$/m, "url: null", "url must be the address at which the homeserver reaches letta-matrix"],
      [/^url: .*$/m, "", "url must be the address at which the homeserver reaches letta-matrix"],
      [/^url: .*$/m, 'url: "letta-matrix:29331"', "url must begin with http:// or https://"],
      [/^as_token: .*$/m, 'as_token: ""', "as_token must not be empty"],
      [/^hs_token: .*$/m, 'hs_token: " "', "hs_token must not be empty"],
      [/^sender_localpart: .*$/m, "sender_localpart: bot", "sender_localpart must be letta-matrix"],
      [/@agent_\.\*/, "@agent_0", "namespaces do not hold the agents' users, such as @agent_597b5756"],
      [/@agent_\.\*/, "@agent_[0-9a-f_]*", "namespaces do not hold the agents' users, such as @agent_local_0"],
    ] as const) {
      await writeFile(registration(), written.replace(line, instead));
      await expect(loadConfig(config, {})).rejects.toMatchObject({
        problems: [{ message: expect.stringContaining(wrong) }],
        remedy: expect.stringContaining("letta-matrix registration"),
      });
    }
  });

  test("one that is wrong or missing is told with what to do, and quoted nowhere", async () => {
    await expect(loadConfig(config, {})).rejects.toMatchObject({
      problems: [{ key: "homeserver.appservice.registration_file", message: expect.stringContaining("not there") }],
    });
    const wrongs = ["id: 1", "[", "id: x\nas_token: secret\nhs_token: secret\nsender_localpart: other"];
    for (const wrong of wrongs) {
      await writeFile(registration(), wrong);
      const error = await loadConfig(config, {}).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigError);
      expect(String(Reflect.get(Object(error), "message"))).not.toContain("secret");
    }
    await cli("--for", "dendrite", "--out", join(folder, "other.yaml"));
    const other = (await readFile(join(folder, "other.yaml"), "utf8")).replaceAll("example", "elsewhere");
    await writeFile(registration(), other);
    await expect(loadConfig(config, {})).rejects.toThrow(/namespaces do not hold/);
  });
});
