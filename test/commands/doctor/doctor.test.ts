import { describe, expect, test } from "vitest";
import type { Status } from "../../../src/commands/status/schema.ts";
import { LettaError } from "../../../src/letta/port.ts";
import { MatrixError, type MatrixErrorKind } from "../../../src/matrix/port.ts";
import { StoreUnavailable } from "../../../src/runtime/embedded/store/unavailable.ts";
import { config, examineWith, now, wellStatus, wrongWith } from "./healthy.ts";

const matrixFailure = (kind: MatrixErrorKind) => () =>
  Promise.reject(new MatrixError(kind, `the homeserver says ${kind}`, { remedy: "Do this." }));

const agents = (count: number) =>
  async function* () {
    for (let n = 1; n <= count; n++) yield { id: `agent-${n}`, name: `Agent ${n}` };
  };

describe("where all is well", () => {
  test("nothing is wrong, running or not, and each check says that it was made", async () => {
    expect(await wrongWith({})).toEqual([]);
    expect(await wrongWith({ status: async () => wellStatus })).toEqual([]);
    expect((await examineWith({})).map(({ check }) => check)).toEqual([
      "data_folder",
      "store",
      "instance_secret",
      "control_socket",
      "homeserver",
      "homeserver.version",
      "clock",
      "homeserver.login",
      "homeserver.server_name",
      "homeserver.registration",
      "homeserver.rate_limits",
      "letta",
      "letta.models",
      "letta.tool_allow_list",
      "running",
    ]);
  });

  test("before the first start, nothing is wrong", async () => {
    const data = { store: async () => undefined, secret: async () => "none" as const };
    expect(await wrongWith({ data })).toEqual([]);
  });
});

describe("of the homeserver the doctor finds", () => {
  test("that it is unreachable, once and not for each thing that it would be asked", async () => {
    const unreachable = matrixFailure("unreachable");
    const found = await wrongWith({
      homeserver: { standing: unreachable, loginFlows: unreachable, tryRegistration: unreachable },
    });
    expect(found).toEqual([
      {
        check: "homeserver",
        severity: "error",
        message: "http://localhost:8008: the homeserver says unreachable",
        remedy: "Do this.",
      },
    ]);
  });

  test("that its version is too old", async () => {
    const standing = async () => ({ versions: ["r0.5.0", "r0.6.1"] });
    expect(await wrongWith({ homeserver: { standing } })).toMatchObject([
      { check: "homeserver.version", severity: "error", remedy: expect.stringContaining("newer") },
    ]);
  });

  test("that an ability is missing: nobody can log in with a password", async () => {
    expect(await wrongWith({ homeserver: { loginFlows: async () => ["m.login.sso"] } })).toMatchObject([
      { check: "homeserver.login", severity: "error", remedy: expect.stringContaining("m.login.password") },
    ]);
  });

  test("that it goes by another name, and by which where it tells", async () => {
    const tells = async () => ({ is: "wrong", own: "matrix.example.org" }) as const;
    expect(await wrongWith({ homeserver: { nameVerdict: tells } })).toMatchObject([
      {
        check: "homeserver.server_name",
        severity: "error",
        message: "it is matrix.example.org, not example.org",
        remedy: "Set homeserver.server_name to matrix.example.org.",
      },
    ]);
    expect(await wrongWith({ homeserver: { nameVerdict: async () => ({ is: "wrong" }) } })).toMatchObject([
      { check: "homeserver.server_name", severity: "error" },
    ]);
  });

  test("no wrong name where the name cannot be told", async () => {
    const found = await examineWith({ homeserver: { nameVerdict: matrixFailure("limited") } });
    expect(found).toContainEqual(expect.objectContaining({ check: "homeserver.server_name", severity: "unknown" }));
  });

  test.each(["forbidden", "unsupported"] as const)("that registration is refused: %s", async (kind) => {
    expect(await wrongWith({ homeserver: { tryRegistration: matrixFailure(kind) } })).toMatchObject([
      { check: "homeserver.registration", severity: "error", remedy: "Do this." },
    ]);
  });

  test("no refusal in a rate limit, nor where a homeserver does not tell of its tokens", async () => {
    expect(await wrongWith({ homeserver: { tryRegistration: matrixFailure("limited") } })).toEqual([]);
    const registration = { kind: "token", token: "t0ken" } as const;
    const byToken = { homeserver: { ...config.homeserver, registration } };
    const tryRegistration = matrixFailure("unsupported");
    expect(await examineWith({ config: byToken, homeserver: { tryRegistration } })).toContainEqual(
      expect.objectContaining({ check: "homeserver.registration", severity: "unknown" }),
    );
  });

  test("that the administrator's token is no good", async () => {
    const admin = { exists: matrixFailure("forbidden") };
    expect(await wrongWith({ homeserver: { admin } })).toMatchObject([
      { check: "homeserver.admin_token", severity: "error", message: "the homeserver says forbidden" },
    ]);
  });

  test.each([
    ["behind", now + 90_000, "this machine's clock is 90 s behind the homeserver's"],
    ["ahead", now - 91_000, "this machine's clock is 90 s ahead of the homeserver's"],
  ])("that a clock is off: this one is %s", async (_, clock, message) => {
    const standing = async () => ({ versions: ["v1.1"], clock });
    expect(await wrongWith({ homeserver: { standing } })).toMatchObject([
      { check: "clock", severity: "warning", message, remedy: expect.stringContaining("NTP") },
    ]);
  });

  test("no clock that is off where half a minute is missing, or the homeserver tells no time", async () => {
    const near = async () => ({ versions: ["v1.1"], clock: now + 29_000 });
    const silent = async () => ({ versions: ["v1.1"] });
    expect(await wrongWith({ homeserver: { standing: near } })).toEqual([]);
    expect(await wrongWith({ homeserver: { standing: silent } })).toEqual([]);
  });
});

describe("of rate limits the doctor finds", () => {
  const check = "homeserver.rate_limits";

  test("that they are too tight for this number of agents", async () => {
    expect(await wrongWith({ letta: { listAgents: agents(51) } })).toMatchObject([
      {
        check,
        severity: "warning",
        message: expect.stringMatching(/^50 agents get a room yet: .* 4 hours /),
        remedy: expect.stringContaining("homeserver.admin_token_file"),
      },
    ]);
  });

  test("nothing where an administrator's token exempts from them, agents have their rooms, are left out, or are few", async () => {
    const admin = { exists: async () => true };
    const listAgents = agents(51);
    const all = Array.from({ length: 51 }, (_, n) => `agent-${n + 1}`);
    expect(await wrongWith({ homeserver: { admin }, letta: { listAgents } })).toEqual([]);
    const data = { store: async () => ({ housed: all, unreadable: [] }) };
    expect(await wrongWith({ letta: { listAgents }, data })).toEqual([]);
    const discovery = { ...config.discovery, disabled: all };
    expect(await wrongWith({ letta: { listAgents }, config: { discovery } })).toEqual([]);
    expect(await wrongWith({ letta: { listAgents: agents(6) } })).toEqual([]);
    expect(await wrongWith({ letta: { listAgents }, homeserver: { isSynapse: async () => false } })).toEqual([]);
  });

  test("that they hold the running process back", async () => {
    const reason = "sending m.room.message: [429] M_LIMIT_EXCEEDED: Too Many Requests";
    const [agent] = wellStatus.agents;
    if (agent === undefined) throw new Error("there is an agent");
    const status = async (): Promise<Status> => ({
      ...wellStatus,
      agents: [{ ...agent, wait: { reason, since: now } }],
    });
    expect(await wrongWith({ status })).toContainEqual(
      expect.objectContaining({ check, severity: "warning", message: expect.stringContaining("1 actor back") }),
    );
  });

  test("that answers would be edited more often than they allow", async () => {
    expect(await wrongWith({ config: { drafts: { ratePerSecond: 2, burst: 10 } } })).toMatchObject([
      { check: "drafts", severity: "warning", remedy: expect.stringContaining("rc_message") },
    ]);
  });
});

describe("of Letta the doctor finds", () => {
  const failing = (kind: "unreachable" | "refused") => ({
    listAgents: () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new LettaError(kind, `Letta says ${kind}`, { remedy: "Set letta.token_file." })),
      }),
    }),
  });

  test.each([
    ["that it is unreachable", "unreachable"],
    ["that its key is refused", "refused"],
  ] as const)("%s", async (_, kind) => {
    expect(await wrongWith({ letta: failing(kind) })).toEqual([
      { check: "letta", severity: "error", message: `Letta says ${kind}`, remedy: "Set letta.token_file." },
    ]);
  });

  test("that it has no agents", async () => {
    expect(await wrongWith({ letta: { listAgents: agents(0) } })).toMatchObject([
      { check: "letta", severity: "warning", remedy: expect.stringContaining("Create an agent") },
    ]);
  });

  test("that a model is missing, and whose", async () => {
    const missingModels = async () => [{ name: "Scout", model: "anthropic/none" }];
    expect(await wrongWith({ letta: { missingModels } })).toMatchObject([
      {
        check: "letta.models",
        severity: "error",
        message: "it does not have the model anthropic/none of the agent Scout",
      },
    ]);
  });

  test("nothing of models where they cannot be told", async () => {
    const missingModels = () => Promise.reject(new Error("no reply to list_models"));
    expect(await examineWith({ letta: { missingModels } })).toContainEqual({
      check: "letta.models",
      severity: "unknown",
      message: "no reply to list_models",
    });
  });

  test.each(["Bash", "run_shell_command", "Write", "apply_patch", "run_code"])(
    "that a tool of its host is exposed: %s",
    async (tool) => {
      const letta = { ...config.letta, toolAllowList: ["web_search", tool] };
      expect(await wrongWith({ config: { letta } })).toMatchObject([
        {
          check: "letta.tool_allow_list",
          severity: "warning",
          message: `whoever may write in an agent's room can use ${tool} on the machine that Letta runs on`,
        },
      ]);
    },
  );

  test("that a tool of its host can be used once somebody has approved it, also where it is on both lists", async () => {
    const letta = { ...config.letta, toolAllowList: ["Bash"], toolAskList: ["web_search", "Bash"] };
    expect(await wrongWith({ config: { letta } })).toEqual([
      {
        check: "letta.tool_ask_list",
        severity: "warning",
        message: "whoever may approve can let an agent use Bash on the machine that Letta runs on",
        remedy: expect.stringContaining("commands.people"),
      },
    ]);
  });

  test("which tools run without asking, and of many agents a few, and how many more there are", async () => {
    const agent = (name: string) => ({ name, tools: ["run_code"] });
    const ungatedTools = async () => ["A", "B", "C", "D", "E"].map(agent);
    expect(await wrongWith({ letta: { ungatedTools } })).toMatchObject([
      { check: "letta.tools", severity: "warning", message: expect.stringContaining("run_code (A, B, C and 2 more)") },
    ]);
  });

  test("nothing of the agents' tools where they cannot be told", async () => {
    const ungatedTools = () => Promise.reject(new Error("no answer"));
    expect(await examineWith({ letta: { ungatedTools } })).toContainEqual({
      check: "letta.tools",
      severity: "unknown",
      message: "no answer",
    });
  });
});

describe("of the data folder the doctor finds", () => {
  const unusable = () => Promise.reject(Object.assign(new Error("cannot be used"), { remedy: "Do that." }));

  test("that it cannot be used, once and not for each thing in it", async () => {
    expect(await wrongWith({ data: { folder: unusable, store: unusable, socket: unusable } })).toEqual([
      { check: "data_folder", severity: "error", message: "cannot be used", remedy: "Do that." },
    ]);
  });

  test("that the store is locked or damaged", async () => {
    const store = () => Promise.reject(new StoreUnavailable("taken", "the store is open elsewhere", "Stop it."));
    expect(await wrongWith({ data: { store } })).toEqual([
      { check: "store", severity: "error", message: "the store is open elsewhere", remedy: "Stop it." },
    ]);
  });

  test("nothing of the store while the program runs, which has it to itself", async () => {
    const store = () => Promise.reject(new Error("the store is open elsewhere"));
    expect(await wrongWith({ data: { store, socket: unusable }, status: async () => wellStatus })).toEqual([]);
  });

  test("that records cannot be read", async () => {
    const store = async () => ({ housed: ["agent-1"], unreadable: ["example.org/agent/agent-2"] });
    expect(await wrongWith({ data: { store } })).toMatchObject([
      { check: "store", severity: "error", message: expect.stringContaining("example.org/agent/agent-2") },
    ]);
  });

  test("that the secret behind the agents' passwords is gone, while there is a store", async () => {
    expect(await wrongWith({ data: { secret: async () => "none" } })).toMatchObject([
      { check: "instance_secret", severity: "error", remedy: expect.stringContaining("backup") },
    ]);
  });

  test("that the control socket's place is taken", async () => {
    expect(await wrongWith({ data: { socket: unusable } })).toMatchObject([
      { check: "control_socket", severity: "error", remedy: "Do that." },
    ]);
  });
});

describe("of the running process the doctor finds", () => {
  const crashes = { recent: 3, intensity: 10, period: 600_000 };
  const crashed = { machine: "agent", crashedAt: now, incarnation: 3, crashes };

  test("what waits, and what has crashed", async () => {
    const status = async (): Promise<Status> => ({
      ...wellStatus,
      discovery: { health: "running", state: "waiting", wait: { reason: "Letta is away", since: now } },
      troubles: [
        { actor: "example.org/agent/agent-1", health: "quarantined", error: "boom", ...crashed },
        { actor: "example.org/agent/agent-2", health: "restarting", error: "bang", ...crashed },
      ],
    });
    expect(await wrongWith({ status })).toMatchObject([
      { check: "running", severity: "error", message: expect.stringContaining("agent-1 crashed too often") },
      { check: "running", severity: "warning", message: expect.stringContaining("agent-2 crashed") },
      { check: "running", severity: "warning", message: "discovery waits: Letta is away" },
    ]);
  });

  test("of many, a few, and how many more there are", async () => {
    const agent = { health: "running", userId: "@a:example.org", roomId: "!1:example.org", regions: {} } as const;
    const wait = { reason: "the homeserver is away", since: now };
    const status = async (): Promise<Status> => ({
      ...wellStatus,
      agents: Array.from({ length: 12 }, (_, n) => ({ ...agent, agentId: `agent-${n}`, wait })),
    });
    const found = await wrongWith({ status });
    expect(found).toHaveLength(6);
    expect(found.at(-1)).toMatchObject({ message: "7 more wait" });
  });

  test("that it does not answer", async () => {
    const status = () => Promise.reject(Object.assign(new Error("no answer within 10 s"), { remedy: "Look." }));
    expect(await wrongWith({ status })).toEqual([
      { check: "running", severity: "error", message: "no answer within 10 s", remedy: "Look." },
    ]);
  });
});
