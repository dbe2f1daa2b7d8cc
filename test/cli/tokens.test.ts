import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { controlHandlers } from "../../src/cli/control-handlers.ts";
import { exitCode } from "../../src/cli/exit-code.ts";
import { runCli } from "../../src/cli/program.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { ControlServer } from "../../src/runtime/control/server.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import { callersInMemory } from "../commands/callers.ts";
import { untroubled, unused } from "../commands/untroubled.ts";
import { cliEnvironment } from "./cli-environment.ts";
import { printing } from "./printed.ts";

let folder: string;
let callers: Awaited<ReturnType<typeof callersInMemory>>;
let control: ControlServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tokens-"));
  callers = await callersInMemory();
  const commands = bindCommands({
    ...unused,
    ...callers,
    server: "example.org",
    adoption: { adopt: () => Promise.reject(new Error("nothing is adopted here")) },
    host: {
      ...untroubled,
      async *list() {},
      read: () => undefined,
      accept: async () => undefined,
      journal: async () => [],
      ask: () => Promise.reject(new Error("nothing is asked")),
    },
  });
  control = new ControlServer({ path: controlSocketIn(folder), handlers: controlHandlers(commands) });
  await control.start();
});

afterEach(async () => {
  await control.stop();
  await rm(folder, { recursive: true });
});

async function cli(...args: readonly string[]) {
  const { printed, console } = printing();
  const environment = cliEnvironment({ console });
  const running = { ...environment.running, now: () => callers.clock.now() };
  const code = await runCli(["token", ...args, "--data", folder], { ...environment, running });
  return { code, ...printed };
}

async function made(...args: readonly string[]): Promise<string> {
  const { code, out } = await cli("create", ...args);
  expect(code).toBe(exitCode.ok);
  return out.trimEnd().split("\n").at(-1) ?? "";
}

test("a token that was made lets its holder do what its scopes say, as long as it lasts", async () => {
  const token = await made("dashboard", "--scope", "agents:read", "rooms:read", "--expires", "90d");
  const principal = callers.tokens.principalOf(token);
  expect([...(principal?.scopes ?? [])]).toEqual(["agents:read", "rooms:read"]);
  callers.clock.advance(90 * 86_400_000);
  expect(callers.tokens.principalOf(token)).toBeUndefined();
});

test("the list shows what each is for, and never a secret", async () => {
  const token = await made("dashboard", "-s", "agents:read", "--expires", "12h");
  const { out } = await cli("list");
  expect(out).toMatch(
    /^TOKEN +FOR +AGENT +MADE +ENDS +SCOPES\n\w{12} +dashboard +any +0 s ago +in 12 h +agents:read\n$/,
  );
  for (const shown of [out, (await cli("list", "--json")).out]) expect(shown).not.toContain(token.split("_")[2]);
});

test("a revoked token is good for nothing at once", async () => {
  const token = await made("dashboard", "-s", "agents:read");
  const id = token.split("_")[1] ?? "";
  expect(await cli("revoke", id)).toEqual({ code: exitCode.ok, out: `revoked ${id}, of dashboard\n`, err: "" });
  expect(callers.tokens.principalOf(token)).toBeUndefined();
  expect((await cli("list")).out).toBe("No tokens: nobody is let in.\n");
  expect(await cli("revoke", id)).toMatchObject({ code: exitCode.failed, err: expect.stringContaining("no token") });
});

test.each([
  [["create", "dashboard"], "scope"],
  [["create", "dashboard", "-s", "everything"], "messages:read"],
  [["create", "dashboard", "-s", "agents:read", "--expires", "soon"], "90d"],
  [["create", "dashboard", "-s", "agents:read", "--expires", "0d"], "90d"],
])("what is no token is refused: %j", async (args, said) => {
  expect(await cli(...args)).toMatchObject({ code: exitCode.usage, err: expect.stringContaining(said) });
});

test("a token for an agent that nobody knows is not made", async () => {
  const { code, err } = await cli("create", "tools", "-s", "messages:send", "--agent", "Nobody");
  expect([code, err]).toEqual([exitCode.failed, expect.stringContaining('there is no agent "Nobody"')]);
  expect(callers.tokens.list()).toEqual([]);
});
