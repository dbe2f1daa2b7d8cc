import { expect, test } from "vitest";
import { z } from "zod";
import { bindCommands } from "../../src/commands/index.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import type { Health } from "../../src/runtime/host.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import type { ChildStatus } from "../../src/runtime/supervisor.ts";
import { recordOf } from "../actors/agent-record.ts";
import { agentCalled, installation, server } from "../api/installation.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { unused } from "./untroubled.ts";

const call = {
  principal: { name: "test", scopes: new Set(["rooms:read", "admin:read"] as const) },
  requestId: "request-1",
  signal: new AbortController().signal,
};

interface System {
  readonly parts?: readonly ChildStatus[];
  readonly health?: Readonly<Record<string, Health>>;
}

/** Asks of a system with these records and parts, whose actors are well where nothing else is said. */
async function ask(name: string, records: readonly ActorRecord[], { parts, health = {} }: System = {}) {
  const { host, ...rest } = installation(records);
  const commands = bindCommands({
    ...unused,
    ...rest,
    host: { ...host, health: (id) => health[id] ?? { state: "running" } },
    clock: new SimulatedClock(),
    server,
    ...(parts !== undefined && { supervision: () => parts }),
  });
  return commands.find((one) => one.name === name)?.execute({}, call);
}

test("the tree of supervision tells of each part what it is under, and of the actors how many are in trouble", async () => {
  const running = { restart: "permanent", state: "running", incarnation: 1 } as const;
  const parts: readonly ChildStatus[] = [
    { id: "actors", ...running },
    { id: "helpers", ...running, children: [{ id: "http server", ...running, state: "restarting", incarnation: 3 }] },
  ];
  const [well, ill] = [agentCalled("Scout", "agent-1"), agentCalled("Muse", "agent-2")];
  const crash = {
    id: "c1",
    actor: ill.id,
    at: 1,
    incarnation: 6,
    stimulus: "WAKE",
    error: { name: "Error", message: "" },
    journal: [],
  };
  const crashes = { recent: 6, intensity: 5, period: 600_000 };
  const health: Record<string, Health> = { [ill.id]: { state: "quarantined", crash, crashes } };
  const { parts: told, actors } = z
    .looseObject({ parts: z.array(z.unknown()), actors: z.array(z.looseObject({ machine: z.string() })) })
    .parse(await ask("system.tree", [well, ill], { parts, health }));
  expect(told).toEqual([
    { id: "actors", ...running },
    { id: "helpers", ...running },
    { id: "http server", under: "helpers", restart: "permanent", state: "restarting", incarnation: 3 },
  ]);
  expect(actors.filter(({ machine }) => ["agent", "outbox"].includes(machine))).toEqual([
    { machine: "agent", actors: 2, silent: 0, restarting: 0, quarantined: 1 },
    { machine: "outbox", actors: 0, silent: 0, restarting: 0, quarantined: 0 },
  ]);
});

test("while the program does not run, its actors are told of all the same", async () => {
  expect(await ask("system.tree", [agentCalled("Scout", "agent-1")])).toMatchObject({
    parts: [],
    actors: expect.arrayContaining([expect.objectContaining({ machine: "agent", actors: 1 })]),
  });
});

test("the space tells which room it is, of how many parts, and what keeps it", async () => {
  const record = recordOf({
    id: addressOf.space(server),
    machine: "space",
    value: "backingOff",
    context: {
      spaceId: "!space:example.org",
      lastId: "!second:example.org",
      parts: 2,
      given: 17,
      capacity: 1_000,
      wait: { reason: "the homeserver is away", since: 5 },
    },
  });
  expect(await ask("space", [record])).toMatchObject({
    state: "backingOff",
    health: "running",
    roomId: "!space:example.org",
    parts: 2,
    lastPart: "!second:example.org",
    given: 17,
    capacity: 1_000,
    wait: { reason: "the homeserver is away", since: 5 },
  });
});

test("where there is no space yet, that is told", async () => {
  expect(await ask("space", [])).toMatchObject({ state: "never", parts: 0 });
});
