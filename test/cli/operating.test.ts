import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { setup } from "xstate";
import { controlHandlers } from "../../src/cli/control-handlers.ts";
import { exitCode } from "../../src/cli/exit-code.ts";
import { runCli } from "../../src/cli/program.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { addressOf, agentUserId } from "../../src/machines/addresses.ts";
import { partsOf } from "../../src/runtime/actor-id.ts";
import { type Behaviour, defineBehaviour } from "../../src/runtime/behaviour.ts";
import { ControlServer } from "../../src/runtime/control/server.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import type { EmbeddedHost } from "../../src/runtime/embedded/host.ts";
import { unused } from "../commands/untroubled.ts";
import { memoryHost } from "../runtime/memory-host.ts";
import type { SimulatedClock } from "../runtime/simulated-clock.ts";
import { cliEnvironment } from "./cli-environment.ts";
import { printing } from "./printed.ts";

const server = "example.org";
const secret = "what a person wrote";
const agent = addressOf.agent(server, "agent-1");
const room = addressOf.conversation(server, "agent-1", "!own:example.org");

/** An agent that cannot take its first step. */
const unborn = "agent-2";

let isPoison: boolean;
let folder: string;
let host: EmbeddedHost;
let clock: SimulatedClock;
let control: ControlServer;

/** Throws at each MESSAGE as long as it is poison; keeps what the commands read of an agent or a conversation. */
function brittle(machine: "agent" | "conversation"): Behaviour {
  const chart = setup({
    types: { input: {} as Record<string, unknown>, context: {} as Record<string, unknown> },
  }).createMachine({
    id: machine,
    version: "1",
    options: { maxIterations: 100 },
    context: ({ input }) => input,
    on: { HELLO: {}, MESSAGE: { guard: () => !isPoison || JSON.parse("poison") }, deadLetter: {} },
  });
  return defineBehaviour({
    machine: chart,
    children: {},
    input(id) {
      const [agentId = "", roomId = ""] = partsOf(id).key;
      const userId = agentUserId(server, agentId);
      if (agentId === unborn && isPoison) throw new Error("cannot begin");
      return machine === "agent" ? { agentId, userId, name: "Scout" } : { agentId, userId, roomId, queue: [] };
    },
  });
}

beforeEach(async () => {
  isPoison = true;
  folder = await mkdtemp(join(tmpdir(), "operating-"));
  const policy = { crashesPerEvent: 1, minBackoff: 10, maxBackoff: 10, intensity: 1, period: 600_000 };
  const memory = await memoryHost({ behaviours: [brittle("agent"), brittle("conversation")], policy });
  ({ host, clock } = memory);
  await host.accept(agent, { type: "HELLO" });
  for (let n = 0; n < 2; n++) {
    await host.accept(room, { type: "MESSAGE", text: secret });
    await clock.pass(10);
  }
  const adoption = { adopt: () => Promise.reject(new Error("nothing is adopted here")) };
  const commands = bindCommands({ server, clock, adoption, host, ...unused });
  control = new ControlServer({ path: controlSocketIn(folder), handlers: controlHandlers(commands) });
  await control.start();
});

afterEach(async () => {
  await control.stop();
  await rm(folder, { recursive: true });
});

async function cli(...args: readonly string[]) {
  const { printed, console } = printing();
  const code = await runCli([...args, "--data", folder], cliEnvironment({ console }));
  expect(printed.out + printed.err).not.toContain(secret);
  return { code, ...printed };
}

async function firstLetter(): Promise<string> {
  const [letter] = await host.deadLetters.list();
  return letter?.id ?? "";
}

describe("release", () => {
  test.each(["Scout", "agent-1", "@agent_1:example.org", room])(
    "lets what is meant by %s out of quarantine",
    async (who) => {
      expect((await cli("status")).out).toContain(`(letta-matrix release ${room})`);
      expect(await cli("release", who)).toEqual({ code: exitCode.ok, out: `released ${room}\n`, err: "" });
      expect(host.health(room)).toEqual({ state: "running" });
    },
  );

  test("says so when nothing of it is in quarantine, or nobody is meant", async () => {
    await cli("release", "Scout");
    const { code, err } = await cli("release", "Scout");
    expect([code, err]).toEqual([exitCode.failed, expect.stringContaining('nothing of "Scout" is in quarantine')]);
    expect((await cli("release", "Nobody")).err).toContain('there is no agent "Nobody"');
  });

  test("finds an agent that crashed before it had a record", async () => {
    const other = addressOf.agent(server, unborn);
    await host.accept(other, { type: "HELLO" });
    await clock.pass(10);
    expect([host.read(other), host.health(other).state]).toEqual([undefined, "quarantined"]);
    expect((await cli("status")).out).toContain(`(letta-matrix release ${other})`);
    isPoison = false;
    expect((await cli("release", unborn)).out).toBe(`released ${other}\n`);
    await host.accept(other, { type: "HELLO" });
    expect(host.read(other)?.context["agentId"]).toBe(unborn);
  });
});

describe("dead letters", () => {
  test("are listed with their type, actor and crash, and with their agent", async () => {
    const id = await firstLetter();
    const [crash] = await host.crashes(room);
    for (const { out } of [await cli("dead-letters", "list"), await cli("agent", "Scout")])
      expect(out.split("\n").map((line) => line.split(/ {2,}/))).toContainEqual([
        id,
        room,
        expect.stringMatching(/ s ago$/),
        "event MESSAGE",
        expect.stringContaining(`crash ${crash?.id}`),
      ]);
    expect(JSON.parse((await cli("dead-letters", "list", "--json")).out).letters).toHaveLength(2);
  });

  test("are replayed", async () => {
    const id = await firstLetter();
    isPoison = false;
    const { code, out } = await cli("dead-letters", "replay", id);
    expect([code, out]).toEqual([exitCode.ok, `replayed ${id}: the event MESSAGE of ${room}\n`]);
    expect((await cli("dead-letters", "replay", id)).code).toBe(exitCode.failed);
  });

  test("are dropped, for a reason", async () => {
    const id = await firstLetter();
    expect((await cli("dead-letters", "drop", id)).code).toBe(exitCode.usage);
    const { code, out } = await cli("dead-letters", "drop", id, "--reason", "spam");
    expect([code, out]).toEqual([exitCode.ok, `dropped ${id}: the event MESSAGE of ${room}\n`]);
    expect(await host.deadLetters.list()).toHaveLength(1);
  });

  test("are none when none are left", async () => {
    for (const { id } of await host.deadLetters.list()) await host.deadLetters.drop(id, "test");
    expect((await cli("dead-letters", "list")).out).toBe("No dead letters.\n");
  });
});

test("agent shows what led to the last crash", async () => {
  const { out } = await cli("agent", "Scout");
  expect(out).toMatch(/^BEFORE THE LAST CRASH .*\n.* ago +xstate\.init/m);
});
