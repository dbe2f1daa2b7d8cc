import { expect, test } from "vitest";
import { setup } from "xstate";
import { auditBehaviour } from "../../src/actors/audit/behaviour.ts";
import { Directory } from "../../src/actors/directory.ts";
import { discoveryBehaviour } from "../../src/actors/discovery/behaviour.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { defineBehaviour } from "../../src/runtime/behaviour.ts";
import type { Host } from "../../src/runtime/host.ts";
import { FakeLetta } from "../ports/fake-letta.ts";
import { memoryHost } from "../runtime/memory-host.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";

const interval = 30_000;
const looks = 200;

const policy = { crashesPerEvent: 3, minBackoff: 200, maxBackoff: 1_000, intensity: 0, period: 60_000 };

/** Stands for a chart: it takes what it is told, and nothing that is unbearable. */
function standIn(id: "agent" | "space") {
  type Told = "DISCOVERED" | "INSPECT" | "WAKE" | "POISON";
  return defineBehaviour({
    machine: setup({
      types: { context: {} as { readonly agentId: string }, events: {} as { readonly type: Told } },
    }).createMachine({
      id,
      version: "1",
      options: { maxIterations: 100 },
      context: () => ({ agentId: "agent-1" }),
      initial: "live",
      states: {
        live: { on: { DISCOVERED: {}, INSPECT: {}, WAKE: {}, POISON: { guard: () => JSON.parse("unbearable") } } },
      },
    }),
    children: {},
    input: () => undefined,
  });
}

const agent = standIn("agent");

test("what an agent in quarantine is told at each look is kept once, and taken once it is released", async () => {
  const clock = new SimulatedClock();
  const letta = new FakeLetta();
  letta.agents = [{ id: "agent-1", name: "Scout" }];
  let host: Host | undefined;
  const directory = new Directory(
    { list: (realm, machine) => host?.list(realm, machine) ?? (async function* () {})(), read: () => undefined },
    "test",
  );
  const discovery = discoveryBehaviour(letta, directory, clock, { interval, grace: 1_000_000, disabled: [] });
  const { host: running, database } = await memoryHost({ behaviours: [discovery, agent], clock, policy });
  host = running;
  const actor = addressOf.agent("test", "agent-1");
  await host.accept(actor, { type: "DISCOVERED" });
  await host.accept(actor, { type: "POISON" });
  expect(host.health(actor).state).toBe("quarantined");
  await host.accept(addressOf.discovery("test"), { type: "LIST_NOW" });
  await clock.pass(2 * interval);
  const rows = database.keys("j|").length;
  await clock.pass(looks * interval);
  expect(host.read(addressOf.discovery("test"))?.revision).toBeGreaterThan(looks);
  expect(database.keys("j|").length).toBe(rows);
  for (let n = 0; n < policy.crashesPerEvent; n++) await host.release(actor);
  await clock.pass(interval);
  const taken = (await host.journal(actor)).map(({ event }) => event);
  expect(taken.slice(0, 4)).toEqual(["xstate.init", "DISCOVERED", "deadLetter", "DISCOVERED"]);
});

test("who is in quarantine is let look once by the audit, and each time when it is well", async () => {
  const clock = new SimulatedClock();
  let host: Host | undefined;
  const directory = new Directory(
    {
      list: (realm, machine) => host?.list(realm, machine) ?? (async function* () {})(),
      read: (id) => host?.read(id),
    },
    "test",
  );
  const audit = auditBehaviour(directory, { interval });
  const { host: running, database } = await memoryHost({
    behaviours: [audit, agent, standIn("space")],
    clock,
    policy,
  });
  host = running;
  const actors = [addressOf.agent("test", "agent-1"), addressOf.space("test")];
  for (const actor of actors) await host.accept(actor, { type: "WAKE" });
  await host.accept(addressOf.audit("test"), { type: "WAKE" });
  await clock.pass(10 * interval);
  for (const actor of actors) {
    expect((await host.journal(actor)).filter(({ event }) => event === "INSPECT").length).toBeGreaterThanOrEqual(9);
    await host.accept(actor, { type: "POISON" });
    expect(host.health(actor).state).toBe("quarantined");
  }
  await clock.pass(2 * interval);
  const rows = database.keys("j|").length;
  await clock.pass(looks * interval);
  expect(host.read(addressOf.audit("test"))?.revision).toBeGreaterThan(looks);
  expect(database.keys("j|").length).toBe(rows);
});
