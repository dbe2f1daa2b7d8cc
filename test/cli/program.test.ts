import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openLastKnown } from "../../src/app.ts";
import { controlHandlers } from "../../src/cli/control-handlers.ts";
import { exitCode } from "../../src/cli/exit-code.ts";
import { runCli } from "../../src/cli/program.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { actorId } from "../../src/runtime/actor-id.ts";
import { ControlServer } from "../../src/runtime/control/server.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import { recordOf } from "../actors/agent-record.ts";
import { untroubled, unused } from "../commands/untroubled.ts";
import { cliEnvironment } from "./cli-environment.ts";
import { printing } from "./printed.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function cli(...args: readonly string[]) {
  const { printed, console } = printing();
  const environment = cliEnvironment({ console });
  const code = await runCli(args, { ...environment, looking: { ...environment.looking, openLastKnown } });
  return { code, ...printed };
}

describe("the command line", () => {
  test("tells its version", async () => {
    expect(await cli("--version")).toEqual({ code: exitCode.ok, out: "1.2.3\n", err: "" });
  });

  test("explains itself and each command", async () => {
    const { code, out } = await cli("--help");
    expect(code).toBe(exitCode.ok);
    for (const part of ["run", "status", "doctor", "discovery", "chart", "Examples:", "Exit status:"])
      expect(out).toContain(part);
    expect((await cli("help", "run")).out).toMatch(/a second signal\s+ends it at\s+once/);
    expect((await cli("chart", "--help")).out).toContain('"agent", "audit", "conversation"');
  });

  test.each([
    [["frobnicate"]],
    [["chart"]],
    [["chart", "kettle"]],
    [["chart", "agent", "--format", "pdf"]],
    [["run", "--loud"]],
  ])("does not guess what %j means", async (args) => {
    const { code, out, err } = await cli(...args);
    expect(code).toBe(exitCode.usage);
    expect(out).toBe("");
    expect(err).toMatch(/^error: /);
  });
});

describe("chart", () => {
  test("prints a chart", async () => {
    expect((await cli("chart", "discovery")).out).toContain("stateDiagram-v2");
    expect(JSON.parse((await cli("chart", "agent", "--format", "json")).out)).toMatchObject({ id: "agent" });
  });

  test("writes one to a file, and says where it cannot", async () => {
    const file = join(folder, "space.svg");
    expect(await cli("chart", "space", "--format", "svg", "--out", file)).toEqual({
      code: exitCode.ok,
      out: "",
      err: "",
    });
    expect(await readFile(file, "utf8")).toMatch(/^<svg /);
    const refused = await cli("chart", "space", "--out", join(folder, "no", "where"));
    expect(refused.code).toBe(exitCode.failed);
    expect(refused.err).toContain("ENOENT");
  });
});

describe("status", () => {
  const record = (machine: string, key: string[], rest: Partial<ActorRecord>): ActorRecord =>
    recordOf({ id: actorId("example.org", machine, ...key), machine, value: "ready", generation: 1, ...rest });
  const wait = { reason: "the homeserver does not answer", remedy: "Start it.", since: 60_000 };
  const records = [
    record("space", ["agents"], {}),
    record("discovery", ["letta"], { value: "waiting" }),
    record("core-user", ["@me:x"], { value: "following", context: { userId: "@me:x" } }),
    record("agent", ["a1"], {
      value: { account: "online", room: "ready", intake: "backingOff" },
      context: { agentId: "a1", name: "Scout\u001b[31m One", userId: "@agent_a1:example.org", roomId: "!r:x", wait },
      timers: { retry: { due: 220_000, generation: 1, event: { type: "retry" } } },
    }),
    record("conversation", ["a1", "!r:x", ""], {
      value: { turn: "streaming" },
      context: { agentId: "a1", roomId: "!r:x", queue: [{}, {}, {}], current: {} },
    }),
    record("conversation", ["a1", "!s:x", ""], {
      value: "idle",
      context: { agentId: "a1", roomId: "!s:x", queue: [] },
    }),
  ];

  async function withRunning(use: () => Promise<void>): Promise<void> {
    const commands = bindCommands({
      server: "example.org",
      ...unused,
      adoption: { adopt: () => Promise.reject(new Error("nothing is adopted here")) },
      clock: { now: () => 200_000 },
      host: {
        ...untroubled,
        async *list(_, machine) {
          yield* records.filter((one) => one.machine === machine);
        },
        read: () => undefined,
        accept: async () => undefined,
        ask: () => Promise.reject(new Error("nothing is asked")),
        journal: async () => [],
      },
    });
    const server = new ControlServer({ path: controlSocketIn(folder), handlers: controlHandlers(commands) });
    await server.start();
    try {
      await use();
    } finally {
      await server.stop();
    }
  }

  test("shows the running process's agents, conversations and waits", async () => {
    await withRunning(async () => {
      const { code, out } = await cli("status", "--data", folder);
      expect(code).toBe(exitCode.ok);
      expect(out).toBe(
        [
          "server     example.org",
          "discovery  waiting",
          "space      ready",
          "@me:x      following",
          "agents     0 of 1 ready; 1 do not hear yet",
          "",
          "AGENT           USER                   ACCOUNT  ROOM   INTAKE      ROOM ID",
          "Scout [31m One  @agent_a1:example.org  online   ready  backingOff  !r:x",
          "",
          "CONVERSATION OF  IN ROOM  STATE           QUEUED",
          "Scout [31m One   !r:x     turn.streaming  3",
          "1 conversation at rest",
          "",
          "WAITING         SINCE  NEXT TRY  FOR",
          "Scout [31m One  2 min  in 20 s   the homeserver does not answer: Start it.",
          "",
        ].join("\n"),
      );
    });
  });

  test("prints JSON for programs", async () => {
    await withRunning(async () => {
      const { out } = await cli("status", "--data", folder, "--json");
      expect(JSON.parse(out)).toMatchObject({
        server: "example.org",
        agents: [{ agentId: "a1", wait: { until: 220_000 } }],
      });
    });
  });

  test("of a process that does not run has a status of its own, and says what to do", async () => {
    const { code, err } = await cli("status", "--data", folder);
    expect(code).toBe(exitCode.unavailable);
    expect(err).toContain("nothing listens at");
  });

  test("with a configuration that cannot be used says what is wrong with it", async () => {
    const { code, err } = await cli("status", "--config", join(folder, "none.yaml"));
    expect(code).toBe(exitCode.config);
    expect(err).toContain("there is no such file");
  });
});
