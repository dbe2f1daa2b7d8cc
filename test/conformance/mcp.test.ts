import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { sevenTools } from "../mcp/seven-tools.ts";
import { serveEverybody } from "./served.ts";

const execute = promisify(execFile);
const bin = (path: string): string => new URL(`../../node_modules/${path}`, import.meta.url).pathname;

const listed = z.object({ tools: z.array(z.object({ name: z.string() })) });

const requiring = z.object({ server: z.array(z.string()) });

let served: Awaited<ReturnType<typeof serveEverybody>>;
let folder: string;

beforeAll(async () => {
  served = await serveEverybody();
  folder = await mkdtemp(join(tmpdir(), "conformance-"));
});

afterAll(async () => {
  await served.stop();
  await rm(folder, { recursive: true });
});

/** What a program prints; fails with all of it when it does not end well. */
async function run(path: string, ...args: readonly string[]): Promise<string> {
  // What programs keep for next time goes with the folder.
  const env = { ...process.env, HOME: folder };
  const ended = execute(process.execPath, [bin(path), ...args], { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 });
  const { stdout } = await ended.catch((error: Error & { stdout?: string; stderr?: string }) => {
    throw new Error(`${error.message}\n${error.stdout ?? ""}\n${error.stderr ?? ""}`, { cause: error });
  });
  return stdout;
}

test.each(["2025-11-25", "2026-07-28"])(
  "all that %s requires of servers is kept, and of the rest what is not named",
  async (era) => {
    const exceptions = new URL(`${era}.yaml`, import.meta.url).pathname;
    const conformance = "@modelcontextprotocol/conformance/dist/index.js";
    const asked = ["--url", served.url, "--requirements", era, "--expected-failures", exceptions];
    const printed = await run(conformance, "server", ...asked);
    const requirements = bin(`@modelcontextprotocol/conformance/requirements/${era}.yaml`);
    const { server: required } = requiring.parse(parse(await readFile(requirements, "utf8")));
    expect(required.length).toBeGreaterThan(25);
    for (const scenario of required) expect(printed).toMatch(new RegExp(`${scenario}: [1-9]\\d* passed, 0 failed`));
  },
);

/** What the inspector's command line prints, asked to do something. */
async function inspect(method: string, ...args: readonly string[]): Promise<unknown> {
  const inspector = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";
  return JSON.parse(await run(inspector, "--cli", served.url, "--transport", "http", "--method", method, ...args));
}

test("the inspector lists the tools", async () => {
  const { tools } = listed.parse(await inspect("tools/list"));
  expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(sevenTools.map(([name]) => name)));
});

// Each starts a program that takes a second to load.
test.concurrent.each(sevenTools)("the inspector does %s", async (name, args, expected) => {
  const pairs = Object.entries(args).map(([argument, value]) => `${argument}=${value}`);
  const given = pairs.length === 0 ? [] : ["--tool-arg", ...pairs];
  const result = await inspect("tools/call", "--tool-name", name, ...given);
  expect(result).toMatchObject({ structuredContent: expected });
  expect(result).not.toMatchObject({ isError: true });
});
