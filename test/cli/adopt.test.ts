import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Adopted } from "../../src/actors/adoption/adoption.ts";
import { adopt, type OfflineAdoption } from "../../src/cli/adopt/adopt.ts";
import { exitCode } from "../../src/cli/exit-code.ts";
import { ControlServer } from "../../src/runtime/control/server.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import { printing } from "./printed.ts";

const done: Adopted = { outcome: "done", roomId: "!room:x", steps: ["mark !room:x as its own"] };
const nothing: Adopted = { outcome: "done", roomId: "!room:x", steps: [] };
const refused: Adopted = { outcome: "refused", reason: "!room:x is encrypted", remedy: "Set room_id to null." };
const later: Adopted = { outcome: "later", reason: "[429] too many logins", retryAfterMs: 333_000 };

let folder: string;
let config: string;
let mapping: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adopt-"));
  config = join(folder, "letta-matrix.yaml");
  const homeserver = { url: "http://x", server_name: "x", registration: { shared_secret: "s3cret" } };
  await writeFile(config, JSON.stringify({ homeserver, letta: { url: "ws://127.0.0.1:9" }, data_folder: "data" }));
  mapping = join(folder, "mapping.json");
  const entries = ["Scout", "Rover\u001b[31m"].map((agent_name, n) => ({
    agent_id: `agent-${n}`,
    agent_name,
    matrix_user_id: `@agent_${n}:x`,
    matrix_password: "s3cret-2",
    room_id: `!room-${n}:x`,
  }));
  await writeFile(mapping, JSON.stringify(entries));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs the command; each agent's tries come to these. */
async function run(outcomes: readonly Adopted[], options: { dryRun?: boolean; mapping?: string } = {}) {
  const { printed, console } = printing();
  const left = [...outcomes];
  const offline = {
    adopt: vi.fn<OfflineAdoption["adopt"]>(async () => left.shift() ?? nothing),
    close: vi.fn(async () => undefined),
  };
  const sleep = vi.fn(async () => undefined);
  const openStore = vi.fn(async () => offline);
  const code = await adopt(
    { config, mapping, ...options },
    {
      env: {},
      console,
      openStore,
      sleep,
    },
  );
  return { code, ...printed, offline, openStore, sleep };
}

describe("letta-matrix adopt", () => {
  test("says for each agent what was done, and what it comes to", async () => {
    const { code, out, err, offline } = await run([done, nothing]);
    expect({ code, err }).toEqual({ code: exitCode.ok, err: "" });
    expect(out).toBe(
      [
        "Scout (agent-0): done: mark !room:x as its own",
        "Rover [31m (agent-1): is adopted already: nothing to do",
        "2 of 2 adopted",
        "",
      ].join("\n"),
    );
    expect(offline.adopt).toHaveBeenCalledWith(expect.objectContaining({ agentId: "agent-1" }), false);
    expect(offline.close).toHaveBeenCalledOnce();
  });

  test("says in a trial what it would do", async () => {
    const { out, offline } = await run([done, done], { dryRun: true });
    expect(out).toContain("Scout (agent-0): would mark !room:x as its own\n");
    expect(out).toMatch(/2 of 2 would be adopted; nothing was changed\n$/);
    expect(offline.adopt.mock.calls.map(([, dryRun]) => dryRun)).toEqual([true, true]);
  });

  test("goes on after a refusal, and ends with a status that says so", async () => {
    const { code, out } = await run([refused, done]);
    expect(code).toBe(exitCode.failed);
    expect(out).toContain("Scout (agent-0): refused: !room:x is encrypted. Set room_id to null.\n");
    expect(out).toMatch(/1 of 2 adopted, 1 refused\n$/);
  });

  test("waits as long as the homeserver asks, and says so", async () => {
    const { code, out, sleep } = await run([later, done]);
    expect(code).toBe(exitCode.ok);
    expect(sleep).toHaveBeenCalledExactlyOnceWith(333_000);
    expect(out).toContain("Scout (agent-0): waits 333 s: [429] too many logins\n");
  });

  test("leaves the store to the program that runs, and asks that one", async () => {
    const asked: unknown[] = [];
    const server = new ControlServer({
      path: controlSocketIn(join(folder, "data")),
      handlers: {
        status: async () => ({}),
        adopt: async (input) => {
          asked.push(input);
          return done;
        },
      },
    });
    await server.start();
    try {
      const { code, openStore } = await run([]);
      expect(code).toBe(exitCode.ok);
      expect(openStore).not.toHaveBeenCalled();
      expect(asked).toHaveLength(2);
      expect(asked[0]).toMatchObject({ agentId: "agent-0", roomId: "!room-0:x", dryRun: false });
    } finally {
      await server.stop();
    }
  });

  test("opens nothing for a mapping or a configuration that cannot be used", async () => {
    const without = await run([], { mapping: join(folder, "none.json") });
    expect(without.code).toBe(exitCode.failed);
    expect(without.err).toMatch(/cannot be read/);
    config = join(folder, "none.yaml");
    const unconfigured = await run([]);
    expect(unconfigured.code).toBe(exitCode.config);
    for (const { openStore } of [without, unconfigured]) expect(openStore).not.toHaveBeenCalled();
  });
});
