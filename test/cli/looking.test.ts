import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openLastKnown } from "../../src/app.ts";
import { controlHandlers } from "../../src/cli/control-handlers.ts";
import { exitCode } from "../../src/cli/exit-code.ts";
import { runCli } from "../../src/cli/program.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { agentDetail, agentList, roomList, status } from "../../src/commands/status/schema.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { ControlServer } from "../../src/runtime/control/server.ts";
import { controlSocketIn } from "../../src/runtime/control/socket-path.ts";
import { keys } from "../../src/runtime/embedded/keys.ts";
import { openStore } from "../../src/runtime/embedded/open.ts";
import { put } from "../../src/runtime/embedded/store.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import { recordOf } from "../actors/agent-record.ts";
import { printing } from "./printed.ts";

const main = resolve(import.meta.dirname, "../../src/cli/main.ts");
const server = "example.org";
const scout = addressOf.agent(server, "agent-1");
const said = "what a person said";

let folder: string;
let config: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "looking-"));
  config = join(folder, "letta-matrix.yaml");
  await writeFile(
    config,
    "homeserver: { url: 'http://localhost:8008', server_name: example.org, registration: { shared_secret: s } }\n" +
      "letta: { url: 'ws://localhost:4500' }\ndata_folder: .\n",
  );
  const { store, close } = await openStore(join(folder, "store"), () => undefined);
  const journal = { revision: 7, at: 1_000, event: "xstate.error.actor.poll", effects: ["poll"], handled: true };
  await store.commit([
    ...[agent, ownRoom, otherRoom].map((record) => put(keys.record(record.id), record)),
    put(keys.journal(scout, 7), {
      ...journal,
      from: { account: "online", intake: "polling" },
      to: { account: "online", intake: "backingOff" },
    }),
    put(keys.crash(scout, 900, 1), {
      id: "crash-1",
      actor: scout,
      at: 900,
      incarnation: 1,
      stimulus: "DISCOVERED",
      error: { name: "Error", message: "out of order", remedy: "look at it" },
    }),
  ]);
  await close();
});

afterEach(() => rm(folder, { recursive: true }));

function record(id: ActorRecord["id"], machine: string, rest: Partial<ActorRecord>): ActorRecord {
  return recordOf({ id, machine, revision: 7, generation: 1, at: 1_000, ...rest });
}

const wait = { reason: "the homeserver does not answer", remedy: "start it", since: 500 };
const agent = record(scout, "agent", {
  value: { account: "online", intake: "backingOff" },
  context: {
    agentId: "agent-1",
    name: "Scout",
    userId: "@agent_1:example.org",
    roomId: "!own:example.org",
    wait,
    troubles: { intake: { kind: "unreachable", tries: 3, retryAfterMs: 0, wait } },
  },
});
const ownRoom = record(addressOf.conversation(server, "agent-1", "!own:example.org"), "conversation", {
  value: { turn: "asking" },
  context: {
    agentId: "agent-1",
    roomId: "!own:example.org",
    queue: [{ text: said }, { text: said }],
    current: { question: { text: said } },
  },
});
const otherRoom = record(addressOf.conversation(server, "agent-1", "!other:example.org"), "conversation", {
  context: { agentId: "agent-1", roomId: "!other:example.org", queue: [] },
});

interface Looking {
  readonly terminal?: Terminal;
  /** What happens between two pictures of `--watch`; Ctrl-C when it is over. */
  readonly between?: (() => Promise<void>)[];
}

async function cli(args: readonly string[], { terminal = { colour: false }, between = [] }: Looking = {}) {
  const { printed, console } = printing();
  let stop = (): void => undefined;
  let listening = 0;
  const code = await runCli([...args, "--config", config], {
    version: "1.2.3",
    env: {},
    console,
    asking: {},
    examining: { openPatient: () => Promise.reject(new Error("nothing is examined here")) },
    looking: {
      terminal: () => terminal,
      openLastKnown,
      async sleep(_, signal) {
        const next = between.shift();
        await next?.();
        if (next === undefined) stop();
        signal.throwIfAborted();
      },
    },
    storing: { openIdleStorage: () => Promise.reject(new Error("no store is opened here")) },
    adopting: {
      openStore: () => Promise.reject(new Error("nothing is opened here")),
      sleep: async () => undefined,
    },
    running: {
      createApp: () => Promise.reject(new Error("nothing is run here")),
      now: () => 0,
      exit: () => undefined,
      onReloadRequest: () => () => undefined,
      onStopRequest(listener) {
        listening++;
        stop = () => listener("SIGINT");
        return () => void listening--;
      },
    },
  });
  return { code, listening, ...printed };
}

/** Starts what a running process has: the commands on its store, behind its control socket. */
async function startProcess() {
  const { commands, close } = await openLastKnown(folder, server);
  const control = new ControlServer({ path: controlSocketIn(folder), handlers: controlHandlers(commands) });
  await control.start();
  return async () => {
    await control.stop();
    await close();
  };
}

async function ofRunning(...given: Parameters<typeof cli>) {
  const stop = await startProcess();
  try {
    return await cli(...given);
  } finally {
    await stop();
  }
}

describe("of a running process", () => {
  test("agents lists each with the state of its regions and what it waits for", async () => {
    const { code, out } = await ofRunning(["agents"]);
    expect(code).toBe(exitCode.ok);
    expect(out).toContain("AGENT  USER                  ACCOUNT  INTAKE      ROOM ID\n");
    expect(out).toContain("Scout  @agent_1:example.org  online   backingOff  !own:example.org\n");
    expect(out).toMatch(/Scout {4}\d+ d {2,}the homeserver does not answer: start it\n/);
  });

  test("rooms lists an agent's own room and those it is a guest in, each with its queue", async () => {
    const { out } = await ofRunning(["rooms"]);
    expect(out).toContain("!own:example.org    Scout  own    turn.asking   2\n");
    expect(out).toContain("!other:example.org  Scout  guest  idle          0\n");
  });

  test.each(["agent-1", "@agent_1:example.org", "Scout", "scout"])(
    "agent shows the one that is meant by %s",
    async (by) => {
      const { code, out } = await ofRunning(["agent", by]);
      expect(code).toBe(exitCode.ok);
      expect(out).toMatch(/^name +Scout\nid +agent-1\nuser +@agent_1:example.org\n/);
      expect(out).toMatch(/^TROUBLE WITH .*\nintake +3 .*the homeserver does not answer: start it$/m);
      expect(out).toMatch(
        /^CRASH .*\ncrash-1 .* ago +example\.org\/agent\/agent-1 +1 +DISCOVERED +out of order \(look at it\)$/m,
      );
      expect(out).toMatch(/^JOURNAL .*\n.* ago +xstate\.error\.actor\.poll +.*backingOff +poll$/m);
    },
  );

  test("agent of a name that nobody has says where the names are", async () => {
    const { code, out, err } = await ofRunning(["agent", "Nobody"]);
    expect({ code, out }).toEqual({ code: exitCode.failed, out: "" });
    expect(err).toContain('there is no agent "Nobody"\n`letta-matrix agents` lists them.');
  });

  test("JSON is what the schemas promise, and holds no text of a message", async () => {
    const pages = [
      [["status"], status],
      [["agents"], agentList],
      [["agent", "Scout"], agentDetail],
      [["rooms"], roomList],
    ] as const;
    for (const [args, schema] of pages) {
      const { out } = await ofRunning([...args, "--json"]);
      const printed: unknown = JSON.parse(out);
      expect(schema.parse(printed), args.join(" ")).toEqual(printed);
      expect(out).not.toContain(said);
      expect((await ofRunning(args)).out).not.toContain(said);
    }
  });
});

describe("a terminal", () => {
  test("is shown nothing wider than it is, and loses nothing", async () => {
    const { out } = await ofRunning(["agents"], { terminal: { colour: false, width: 60 } });
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
    expect(out.replaceAll(/\s/g, "")).toContain("backingOff");
    expect(out).toContain("start it");
  });

  test("has headings in colour, which a pipe has not", async () => {
    const escapes = "\u001b[";
    expect((await ofRunning(["agents"], { terminal: { colour: true, width: 200 } })).out).toContain(escapes);
    expect((await ofRunning(["agents"])).out).not.toContain(escapes);
  });
});

describe("of a process that does not run", () => {
  test.each([[["status"]], [["agents"]], [["agent", "Scout"]], [["rooms"]]])(
    "%j says so, and what to do",
    async (args) => {
      const { code, out, err } = await cli(args);
      expect({ code, out }).toEqual({ code: exitCode.unavailable, out: "" });
      expect(err).toContain("nothing listens at");
      expect(err).toContain("Start the program");
      expect(err).toContain("--last-known");
    },
  );

  test("what was last known can be seen, and is not passed off as what is", async () => {
    const { code, out, err } = await cli(["agent", "Scout", "--last-known"]);
    expect(code).toBe(exitCode.unavailable);
    expect(err).toBe("Nothing runs: this is what was last written down.\n");
    expect(out).toContain("the homeserver does not answer: start it");
    expect(out).toContain("out of order");
  });

  test("the running process is asked where there is one, and its store left alone", async () => {
    expect(await ofRunning(["agents", "--last-known"])).toMatchObject({ code: exitCode.ok, err: "" });
  });

  test("no store is made where there is none", async () => {
    await rm(join(folder, "store"), { recursive: true });
    await rm(join(folder, "store.identity"));
    for (const time of ["first", "second"]) {
      const { code, err } = await cli(["status", "--last-known"]);
      expect(code, time).toBe(exitCode.failed);
      expect(err, time).toContain("there is no store in");
    }
  });
});

describe("--watch", () => {
  test("shows it anew on a wiped screen until Ctrl-C, and ends well", async () => {
    const { code, out, listening } = await ofRunning(["agents", "--watch"], {
      terminal: { colour: false, width: 100 },
      between: [async () => undefined, async () => undefined],
    });
    expect(code).toBe(exitCode.ok);
    expect(out.split("\u001b[H\u001b[2J")).toHaveLength(4);
    expect(listening).toBe(0);
  });

  test("goes on over a restart of the process", async () => {
    let stop = async (): Promise<void> => undefined;
    const { code, out } = await cli(["agents", "--watch", "500ms"], {
      between: [
        async () => {
          stop = await startProcess();
        },
        () => stop(),
      ],
    });
    expect(code).toBe(exitCode.ok);
    expect(out).toMatch(/^nothing listens at.*\nAGENT .*\nnothing listens at/s);
  });

  test("gives programs one line of JSON each time", async () => {
    const { out } = await ofRunning(["rooms", "--watch", "--json"], { between: [async () => undefined] });
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(roomList.parse(JSON.parse(line)).rooms).toHaveLength(2);
  });

  test("of the command itself ends on Ctrl-C, and when nobody reads any more", async () => {
    for (const end of ["Ctrl-C", "closed pipe"]) {
      const child = spawn(process.execPath, [main, "status", "--watch", "100ms", "--config", config], {
        stdio: "pipe",
      });
      const closed = once(child, "close");
      await once(child.stdout, "data");
      if (end === "Ctrl-C") child.kill("SIGINT");
      else child.stdout.destroy();
      expect(await text(child.stderr), end).toBe("");
      expect(await closed, end).toEqual([exitCode.ok, null]);
    }
  }, 30_000);

  test("does not go on with a configuration that cannot be used", async () => {
    await writeFile(config, "homeserver: 1\n");
    expect((await cli(["status", "--watch"])).code).toBe(exitCode.config);
  });

  test.each(["soon", "0s", "1ms", "2d"])("does not take %s for an interval", async (interval) => {
    expect((await cli(["status", `--watch=${interval}`])).code).toBe(exitCode.usage);
  });
});
