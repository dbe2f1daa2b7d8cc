import { afterEach, describe, expect, test } from "vitest";
import { addressOf } from "../../src/machines/addresses.ts";
import { StoreUnavailable } from "../../src/runtime/embedded/store/unavailable.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import { recordOf } from "../actors/agent-record.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { agentCalled, installation, server } from "./installation.ts";
import { type Served, serve } from "./served.ts";

const start = new SimulatedClock().now();
const wait = { reason: "nobody answers", remedy: "Start it.", since: start - 120_000 };
const discovery = (context = {}) => recordOf({ id: addressOf.discovery(server), machine: "discovery", context });
const space = (context = {}) => recordOf({ id: addressOf.space(server), machine: "space", context });
const well = (n: number) => agentCalled(`Agent ${n}`, `agent-${n}`);
const deaf = (n: number) =>
  agentCalled(`Agent ${n}`, `agent-${n}`, {
    value: { account: "online", room: "ready", intake: "backingOff", life: "live" },
  });

let api: Served | undefined;
afterEach(() => api?.stop());

async function healthOf(records: readonly ActorRecord[], quarantined: readonly string[] = []) {
  const { host, ...rest } = installation(records);
  const troubled = records.map(({ id }) => id).filter((id) => quarantined.includes(id));
  api = await serve({ context: { ...rest, host: { ...host, quarantined: () => troubled } } });
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
    const { status, body } = await healthOf([discovery(), space(), well(1), deaf(2)], [well(1).id]);
    expect([status, body["verdict"]]).toEqual([200, "degraded"]);
  });

  test("is red when no agent hears what is said", async () => {
    const { status, body } = await healthOf([discovery(), space(), deaf(1), deaf(2)]);
    expect([status, body["status"], body["verdict"]]).toEqual([503, "unhealthy", "failing"]);
    expect(body["reasons"]).toContain("no agent hears what is said");
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
