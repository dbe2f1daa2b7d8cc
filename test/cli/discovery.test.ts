import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { controlHandlers } from "../../src/cli/control-handlers.ts";
import { runDiscovery } from "../../src/cli/discovery.ts";
import { exitCode } from "../../src/cli/exit-code.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { ControlServer } from "../../src/runtime/control/server.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import { untroubled, unused } from "../commands/untroubled.ts";
import { printing } from "./printed.ts";

const found = { listed: 12, fresh: 2, renamed: 1, back: 0, missing: 1, disabled: 0 };

let folder: string;
let server: ControlServer;
let asked: unknown[];
let answer: () => Promise<unknown>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
  asked = [];
  answer = () => Promise.resolve(found);
  const commands = bindCommands({
    server: "example.org",
    clock: { now: () => 0 },
    ...unused,
    adoption: { adopt: () => Promise.reject(new Error("nothing is adopted here")) },
    host: {
      ...untroubled,
      async *list() {},
      read: () => undefined,
      accept: async () => undefined,
      journal: async () => [],
      ask(to, event) {
        asked.push([to, event]);
        return answer();
      },
    },
  });
  server = new ControlServer({ path: controlSocketIn(folder), handlers: controlHandlers(commands) });
  await server.start();
});

afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

async function discover(json = false) {
  const { printed, console } = printing();
  const code = await runDiscovery({ config: join(folder, "none.yaml"), data: folder, json }, console, {});
  return { code, ...printed };
}

test("discovery run lists now, and tells what was found", async () => {
  const out = "12 agents listed: 2 new, 1 renamed, 1 missing\n";
  expect(await discover()).toEqual({ code: exitCode.ok, out, err: "" });
  expect(asked).toEqual([["example.org/discovery/letta", { type: "LIST_NOW" }]]);
});

test("discovery run says so when there is nothing new", async () => {
  answer = () => Promise.resolve({ ...found, listed: 1, fresh: 0, renamed: 0, missing: 0 });
  expect((await discover()).out).toBe("1 agent listed: nothing has changed\n");
});

test("discovery run prints JSON for programs", async () => {
  expect(JSON.parse((await discover(true)).out)).toEqual(found);
});

test("discovery run fails when Letta gives no list, and says what to do", async () => {
  answer = () => Promise.resolve({ failed: "no connection to Letta", remedy: "Start it." });
  const { code, out, err } = await discover();
  expect([code, out]).toEqual([exitCode.failed, ""]);
  expect(err).toContain("no connection to Letta");
  expect(err).toContain("Start it.");
});
