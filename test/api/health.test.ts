import { afterEach, describe, expect, test } from "vitest";
import { addressOf } from "../../src/machines/addresses.ts";
import { StoreUnavailable } from "../../src/runtime/embedded/store/unavailable.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import { recordOf } from "../actors/agent-record.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { agentCalled, installation, server } from "./installation.ts";
import { type Served, type ServedOptions, serve } from "./served.ts";

const start = new SimulatedClock().now();
const wait = { reason: "nobody answers", remedy: "Start it.", since: start - 120_000 };
const discovery = (context = {}) => recordOf({ id: addressOf.discovery(server), machine: "discovery", context });
const space = (context = {}) => recordOf({ id: addressOf.space(server), machine: "space", context });
const well = (n: number) => agentCalled(`Agent ${n}`, `agent-${n}`);
const online = { account: "online", room: "ready", intake: "polling", life: "live" };
const out = { account: "backingOff", room: "offline", intake: "deaf", life: "live" };

/** Something goes wrong with one of the agent's concerns, as its chart notes it. */
function troubled(n: number, value: ActorRecord["value"], concern: string, kind = "unreachable"): ActorRecord {
  const { context } = well(n);
  const trouble = { kind, tries: 1, repeats: 1, retryAfterMs: 0, wait };
  return agentCalled(`Agent ${n}`, `agent-${n}`, {
    value,
    context: { ...context, troubles: { [concern]: trouble }, wait },
  });
}

/** It was never given a room. */
function homeless(record: ActorRecord): ActorRecord {
  const { roomId: _, ...context } = record.context;
  return { ...record, context };
}

const deaf = (n: number, kind?: string) => troubled(n, { ...online, intake: "backingOff" }, "intake", kind);

const broken = { name: "Error", message: "could not be borne" };

let api: Served | undefined;
afterEach(() => api?.stop());

async function healthOf(
  records: readonly ActorRecord[],
  quarantined: readonly string[] = [],
  context: ServedOptions["context"] = {},
) {
  const { host, ...rest } = installation(records);
  const held = records.map(({ id }) => id).filter((id) => quarantined.includes(id));
  const crash = { id: "c", actor: well(1).id, at: start, incarnation: 1, stimulus: "x", journal: [], error: broken };
  const health: typeof host.health = (id) =>
    held.includes(id)
      ? { state: "quarantined", crash, crashes: { recent: 1, intensity: 10, period: 600_000 } }
      : host.health(id);
  api = await serve({ context: { ...rest, ...context, host: { ...host, health, quarantined: () => held } } });
  const whole = await api.ask("GET", "/health");
  const ready = await api.ask("GET", "/health/ready");
  expect(ready.status).toBe(whole.status);
  expect((await api.ask("GET", "/health/live")).status).toBe(200);
  return whole;
}

describe("health", () => {
  test("of what runs as it should has what the bridge before told, and no reasons", async () => {
    const { status, body } = await healthOf([discovery(), space(), well(1), well(2)]);
    expect([status, body]).toEqual([
      200,
      {
        status: "healthy",
        authenticated: true,
        timestamp: new Date(start).toISOString(),
        agent_sync_available: true,
        verdict: "healthy",
        reasons: [],
      },
    ]);
  });

  test("of an installation that is just being made is not red", async () => {
    expect((await healthOf([])).status).toBe(200);
    await api?.stop();
    expect((await healthOf([discovery(), space()])).status).toBe(200);
  });

  test("is not red for one agent that hears nothing, or is in quarantine", async () => {
    for (const quarantined of [[], [deaf(2).id]]) {
      const { status, body } = await healthOf([discovery(), space(), well(1), deaf(2)], quarantined);
      expect([status, body["verdict"]]).toEqual([200, "degraded"]);
      await api?.stop();
    }
    const { status, body } = await healthOf([discovery(), space(), well(1), well(2), deaf(3)], [well(1).id]);
    expect([status, body["verdict"]]).toEqual([200, "degraded"]);
  });

  test("is red when no agent hears what is said", async () => {
    const { status, body } = await healthOf([discovery(), space(), deaf(1), deaf(2)]);
    expect([status, body["status"], body["verdict"]]).toEqual([503, "unhealthy", "failing"]);
    expect(body["reasons"]).toContain("no agent hears what is said");
  });

  test.each([
    ["no account can be logged in since the start", (n: number) => troubled(n, out, "account")],
    ["all accounts are refused", (n: number) => troubled(n, { ...out, account: "refused" }, "account", "forbidden")],
    ["all are logging in once more", (n: number) => troubled(n, { ...out, account: "registering" }, "account")],
    ["all poll once more after a failure", (n: number) => troubled(n, online, "intake")],
    ["no room can be made", (n: number) => homeless(troubled(n, { ...online, intake: "deaf" }, "room"))],
  ])("is red when %s, and no agent hears what is said", async (_, agent) => {
    const { status, body } = await healthOf([discovery(), space(), agent(1), agent(2)]);
    expect(status).toBe(503);
    expect(body["reasons"]).toContain("no agent hears what is said");
    await api?.stop();
    expect((await healthOf([discovery(), space(), agent(1), well(2)])).status).toBe(200);
  });

  test("is red for as long as the homeserver hangs, whichever agent tries again just then", async () => {
    const [waits, tries] = [deaf(1), troubled(2, online, "intake")];
    for (const records of [
      [waits, tries],
      [waits, deaf(2)],
      [troubled(1, online, "intake"), tries],
    ]) {
      expect((await healthOf([discovery(), space(), ...records])).status).toBe(503);
      await api?.stop();
    }
  });

  test("is not red where agents have rooms that are not as they should be, since they hear all the same", async () => {
    const forbidden = (n: number) => troubled(n, { ...online, room: "mending" }, "room", "forbidden");
    const { status, body } = await healthOf([discovery(), space(), forbidden(1), forbidden(2)]);
    expect([status, body["verdict"]]).toEqual([200, "degraded"]);
  });

  test.each([
    ["its login is refused", troubled(1, { ...out, account: "refused" }, "account", "forbidden"), []],
    ["its token is refused", deaf(1, "token"), []],
    ["its room cannot be made", homeless(troubled(1, { ...online, intake: "deaf" }, "room", "forbidden")), []],
    ["it is in quarantine", well(1), [well(1).id]],
  ])("of one agent alone is not red for what is its own trouble: %s", async (_, agent, quarantined) => {
    const { status, body } = await healthOf([discovery(), space(), agent], quarantined);
    expect([status, body["verdict"]]).toEqual([200, "degraded"]);
  });

  test.each(["unreachable", "malformed"])("of one agent alone is red when it is given no answer (%s)", async (kind) => {
    expect((await healthOf([discovery(), space(), deaf(1, kind)])).status).toBe(503);
  });

  test("does not count who is to hear nothing: agents that are disabled or retired", async () => {
    const resting = (n: number, life: string) => agentCalled(`Agent ${n}`, `agent-${n}`, { value: { ...out, life } });
    const others = [resting(2, "disabled"), resting(3, "retired"), resting(4, "retiring.working")];
    expect((await healthOf([discovery(), space(), ...others])).status).toBe(200);
    await api?.stop();
    expect((await healthOf([discovery(), space(), deaf(1), ...others])).status).toBe(503);
  });

  test("of an application service is red when the homeserver cannot push for longer than a moment", async () => {
    const unreached = (since: number) => ({
      transport: () => ({ kind: "appservice" as const, reach: "unreached" as const, since, reason: "refused" }),
    });
    const pushed = agentCalled("Agent 1", "agent-1", { value: { ...online, intake: "pushed" } });
    const records = [discovery(), space(), pushed];
    const { status, body } = await healthOf(records, [], unreached(start - 120_000));
    expect([status, body["reasons"]]).toEqual([503, ["the homeserver cannot push what is said"]]);
    await api?.stop();
    expect((await healthOf(records, [], unreached(start - 5_000))).status).toBe(200);
  });

  test("is red when Letta is gone for longer than a moment", async () => {
    const gone = await healthOf([discovery({ wait }), space(), well(1)]);
    expect([gone.status, gone.body["agent_sync_available"]]).toEqual([503, false]);
    await api?.stop();
    const since = start - 5_000;
    expect((await healthOf([discovery({ wait: { ...wait, since } }), space(), well(1)])).status).toBe(200);
  });

  test("is red when the store can be read by nobody, and says so of no agent", async () => {
    const { host, ...rest } = installation();
    const failing = () => {
      throw new StoreUnavailable("closed", "the disk is full: canary", "Make room.");
    };
    api = await serve({ context: { ...rest, host: { ...host, list: failing } } });
    const { status, text } = await api.ask("GET", "/health");
    expect(status).toBe(503);
    expect(text).not.toContain("canary");
    expect((await api.ask("GET", "/health/live")).status).toBe(200);
  });

  test("names no agent, user or room", async () => {
    const { text } = await healthOf([discovery({ wait }), space({ wait }), deaf(1), deaf(2)], [deaf(1).id]);
    for (const name of ["Agent", "agent-1", "agent_1", server, "nobody answers"]) expect(text).not.toContain(name);
  });

  test("looks at the agents once for all who ask in the same moment", async () => {
    const { host, ...rest } = installation();
    let listed = 0;
    const list: typeof host.list = (realm, machine) => {
      if (machine === "agent") listed++;
      return host.list(realm, machine);
    };
    api = await serve({ context: { ...rest, host: { ...host, list } } });
    const { ask, clock } = api;
    await Promise.all(Array.from({ length: 5 }, () => ask("GET", "/health")));
    expect(listed).toBe(1);
    clock.advance(10_000);
    await ask("GET", "/health");
    expect(listed).toBe(2);
  });
});
