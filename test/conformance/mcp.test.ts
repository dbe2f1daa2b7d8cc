import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { serveEverybody } from "./served.ts";

const execute = promisify(execFile);
const bin = (path: string): string => new URL(`../../node_modules/${path}`, import.meta.url).pathname;

const listed = z.object({ tools: z.array(z.object({ name: z.string() })) });

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
  const ended = execute(process.execPath, [bin(path), ...args], { cwd: folder, maxBuffer: 64 * 1024 * 1024 });
  const { stdout } = await ended.catch((error: Error & { stdout?: string; stderr?: string }) => {
    throw new Error(`${error.message}\n${error.stdout ?? ""}\n${error.stderr ?? ""}`, { cause: error });
  });
  return stdout;
}

test.each(["2025-11-25", "2026-07-28"])("what %s requires of servers is kept, but for what is named", async (era) => {
  const exceptions = new URL(`${era}.yaml`, import.meta.url).pathname;
  const conformance = "@modelcontextprotocol/conformance/dist/index.js";
  const asked = ["--url", served.url, "--requirements", era, "--expected-failures", exceptions];
  const printed = await run(conformance, "server", ...asked);
  for (const scenario of ["tools-list", "completion-complete", "resources-list", "dns-rebinding-protection"])
    expect(printed).toMatch(new RegExp(`${scenario}: [1-9]\\d* passed, 0 failed`));
});

test("the inspector lists the tools", async () => {
  const inspector = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";
  const printed = await run(inspector, "--cli", served.url, "--transport", "http", "--method", "tools/list");
  const { tools } = listed.parse(JSON.parse(printed));
  expect(tools.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["send_matrix_message", "get_room_messages", "send_message_to_agent", "list_agents"]),
  );
});
