import { describe, expect, test } from "vitest";
import { addressOf, agentOf, agentUserId } from "../src/machines/addresses.ts";
import { MatrixError, type MatrixErrorKind } from "../src/matrix/port.ts";
import type { ActorId } from "../src/runtime/actor-id.ts";
import type { Backlog } from "../src/runtime/backlog.ts";
import { Store } from "../src/runtime/embedded/store.ts";
import { StoredBacklog } from "../src/runtime/embedded/stored-backlog.ts";
import type { Host } from "../src/runtime/host.ts";
import { enterTransport, leavePushes, NoWayBack, type Transport } from "../src/transport.ts";
import { agentRecord } from "./actors/agent-record.ts";
import { FakeVault } from "./ports/fake-vault.ts";
import { MemoryDatabase } from "./runtime/memory-database.ts";
import { SimulatedClock } from "./runtime/simulated-clock.ts";

const pushing: Transport = { pushes: {} };
const polling: Transport = {};
const administered: Transport = { admin: { exists: async () => true } };

function refusing(kind: MatrixErrorKind): Transport {
  const exists = () => Promise.reject(new MatrixError(kind, `it says ${kind}`, { remedy: "none" }));
  return { admin: { exists } };
}

/** Of users of which these have no token of their own. */
function sessionsWithout(...agentIds: readonly string[]) {
  const userIds = new Set(agentIds.map((agentId) => agentUserId("test", agentId)));
  return {
    async *withoutToken() {
      yield* userIds;
    },
    end: async (userId: string) => void userIds.delete(userId),
    logIn: (agentId: string) => userIds.delete(agentUserId("test", agentId)),
  };
}

const nobody: Pick<Host, "list" | "accept"> = {
  async *list() {},
  async accept() {},
};

describe("the transport", () => {
  test("may become the application service's, and is left only where users can be given passwords", async () => {
    const vault = new FakeVault();
    const sessions = sessionsWithout("one");
    await enterTransport(polling, vault, sessions);
    await enterTransport(pushing, vault, sessions);
    await enterTransport(pushing, vault, sessions);
    await expect(enterTransport(polling, vault, sessions)).rejects.toThrow(NoWayBack);
    await enterTransport(administered, vault, sessions);
    await enterTransport(pushing, vault, sessions);
  });

  test("is not left by the token of somebody who may not give passwords, and says why; whoever does not answer yet may", async () => {
    const vault = new FakeVault();
    const sessions = sessionsWithout("one");
    await enterTransport(pushing, vault, sessions);
    for (const kind of ["refused", "unsupported", "forbidden"] as const) {
      const refusal = enterTransport(refusing(kind), vault, sessions);
      await expect(refusal).rejects.toThrow(`@agent_one:test belong to the application service`);
      await expect(refusal).rejects.toMatchObject({
        name: "NoWayBack",
        message: expect.stringContaining(`says ${kind}`),
      });
    }
    for (const kind of ["unreachable", "limited", "malformed"] as const)
      await enterTransport(refusing(kind), vault, sessions);
  });

  test("is left where all users have logged in by themselves, whether anybody could give them passwords or not", async () => {
    const vault = new FakeVault();
    await enterTransport(pushing, vault, sessionsWithout());
    await enterTransport(polling, vault, sessionsWithout());
    await enterTransport(refusing("forbidden"), vault, sessionsWithout());
  });

  test("is asked about at each start until all have logged in that are not retired", async () => {
    const vault = new FakeVault();
    const sessions = sessionsWithout("one", "gone");
    const host: typeof nobody = {
      ...nobody,
      async *list() {
        yield agentRecord("one", { intake: "polling", life: "live" });
        yield agentRecord("gone", { intake: "off", life: "retired" });
      },
    };
    await enterTransport(pushing, vault, sessions);
    await enterTransport(administered, vault, sessions);
    const leaving = { host, sessions, backlog: await backlogFor() };
    await leavePushes(administered, vault, leaving, "test");
    await expect(enterTransport(polling, vault, sessions)).rejects.toThrow(NoWayBack);
    sessions.logIn("one");
    await enterTransport(polling, vault, sessions);
    await leavePushes(polling, vault, leaving, "test");
    expect([...vault.kept]).toEqual([]);
  });

  test("left, has those ask again who were told what is said, until all of them do", async () => {
    const vault = new FakeVault();
    const sessions = sessionsWithout();
    await enterTransport(pushing, vault, sessions);
    const told: string[] = [];
    let full = true;
    const host: Pick<Host, "list" | "accept"> = {
      async *list() {
        for (const [agentId, intake] of Object.entries({ one: "pushed", two: "polling", three: "pushed" }))
          yield agentRecord(agentId, { intake });
      },
      async accept(to, { type }) {
        const agentId = agentOf(to);
        if (full && agentId === "three") throw new Error("full");
        told.push(`${agentId} ${type}`);
      },
    };
    const leaving = { host, sessions, backlog: await backlogFor() };
    await leavePushes(pushing, vault, leaving, "test");
    expect(told).toEqual([]);
    await expect(leavePushes(administered, vault, leaving, "test")).rejects.toThrow("full");
    full = false;
    await leavePushes(administered, vault, leaving, "test");
    await leavePushes(administered, vault, leaving, "test");
    expect(told).toEqual(["one LOOK_BACK", "one LOOK_BACK", "three LOOK_BACK"]);
    await enterTransport(polling, vault, sessions);
  });

  test("left, forgets what waits for agents, once all look in their rooms, wherever it is killed", async () => {
    const waiting = [addressOf.agent("test", "one"), addressOf.agent("test", "two")];
    for (let killedAt = 0; ; killedAt++) {
      const vault = new FakeVault();
      const sessions = sessionsWithout();
      await enterTransport(pushing, vault, sessions);
      const pushed = new Set(["one", "three"]);
      const backlog = await backlogFor(...waiting);
      let writes = 0;
      /** Each write is the last one once, and is then done or not. */
      const write = async (done: () => unknown): Promise<void> => {
        if (writes++ === killedAt) throw new Error("killed");
        await done();
      };
      const leave = () =>
        leavePushes(
          administered,
          {
            get: (key) => vault.get(key),
            set: (key, value) => vault.set(key, value),
            delete: (key) => write(() => vault.delete(key)),
            names: (prefix) => vault.names(prefix),
          },
          {
            sessions,
            host: {
              async *list() {
                for (const agentId of ["one", "two", "three"])
                  yield agentRecord(agentId, { intake: pushed.has(agentId) ? "pushed" : "catchingUp" });
              },
              accept: (to) => write(() => pushed.delete(agentOf(to))),
            },
            backlog: {
              counts: () => backlog.counts(),
              clear: (actor) =>
                write(() => {
                  expect(pushed, "all look").toEqual(new Set());
                  return backlog.clear(actor);
                }),
            },
          },
          "test",
        );
      const isWhole = await leave().then(
        () => true,
        () => false,
      );
      if (!isWhole) {
        // What is not left yet is left at the next start.
        expect([...vault.kept]).not.toEqual([]);
        await leave();
      }
      expect([pushed.size, (await backlog.counts()).size]).toEqual([0, 0]);
      expect([...vault.kept]).toEqual([]);
      if (isWhole) break;
    }
  });
});

async function backlogFor(...actors: readonly ActorId[]): Promise<Backlog> {
  const clock = new SimulatedClock();
  const backlog = new StoredBacklog({ current: new Store(new MemoryDatabase(clock), () => undefined) });
  for (const actor of actors) await backlog.add(actor, [{ id: "$1", event: { type: "PUSHED", heard: [] } }]);
  return backlog;
}
