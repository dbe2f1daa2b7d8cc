import { beforeEach, describe, expect, test } from "vitest";
import { Attendance } from "../../../src/actors/feed/attendance.ts";
import { Residents } from "../../../src/actors/feed/residents.ts";
import type { MatrixErrorKind } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { SimulatedClock, settled } from "../../runtime/simulated-clock.ts";
import { agentRecord } from "../agent-record.ts";

const { signal } = new AbortController();
const users = ["@agent_1:test", "@agent_2:test"];
const isIn: Record<string, readonly string[]> = {
  "@agent_1:test": ["!own:test", "!shared:test"],
  "@agent_2:test": ["!shared:test"],
};

let asked: string[];
let clock: SimulatedClock;
/** Users of whom the homeserver says nothing at all, until it is given up. */
let hanging: Set<string>;
let attendance: Attendance;
let residents: Residents;
let loggedIn: Set<string>;
let failures: Map<string, MatrixErrorKind>;
const lives = new Map<string, string>();

/** A homeserver that tells only those who are in a room who is in it. */
beforeEach(() => {
  asked = [];
  clock = new SimulatedClock();
  hanging = new Set();
  loggedIn = new Set([...users, "@letta-matrix:test"]);
  failures = new Map();
  lives.clear();
  const read = (id: string) => {
    const agentId = id.slice(id.lastIndexOf("/") + 1);
    return agentRecord(agentId, { life: lives.get(agentId) ?? "live", intake: "pushed" });
  };
  residents = new Residents({ list: async function* () {}, read }, "test");
  for (const [index, userId] of users.entries())
    residents.note(agentRecord(`agent-${index + 1}`, {}, { userId, ...(index === 0 && { roomId: "!own:test" }) }));
  const client = (userId: string) => ({
    at: () => client(userId),
    async joinedMembers(roomId: string) {
      asked.push(`members ${userId}`);
      const failure = failures.get(roomId);
      if (failure !== undefined) throw matrixError(failure);
      if (!(isIn[userId] ?? []).includes(roomId)) throw matrixError("forbidden");
      return users.filter((one) => isIn[one]?.includes(roomId)).concat("@anna:test");
    },
    async joinedRooms(given: AbortSignal) {
      asked.push(`rooms ${userId}`);
      if (hanging.has(userId))
        await new Promise((_, reject) => given.addEventListener("abort", () => reject(given.reason)));
      const failure = failures.get(userId);
      if (failure !== undefined) throw matrixError(failure);
      return isIn[userId] ?? [];
    },
  });
  attendance = new Attendance(
    { as: client, isLoggedIn: (userId) => loggedIn.has(userId) },
    residents,
    "@letta-matrix:test",
    clock,
  );
});

function maybe(roomId: string): string[] {
  return [...attendance.maybeIn(roomId)].map(({ userId }) => userId);
}

describe("who is in a room", () => {
  test("is known from the one whose own room it is", async () => {
    expect([...(await attendance.in("!own:test", signal))]).toEqual(["@agent_1:test"]);
    await attendance.in("!own:test", signal);
    expect(asked).toEqual(["members @agent_1:test"]);
  });

  test("is known from all agents, asked once, where nobody else may tell", async () => {
    const [shared, empty] = await Promise.all([
      attendance.in("!shared:test", signal),
      attendance.in("!nobodys:test", signal),
    ]);
    expect([...shared]).toEqual(users);
    expect([...empty]).toEqual([]);
    await attendance.in("!other:test", signal);
    expect(asked.filter((one) => one.startsWith("rooms"))).toEqual(users.map((userId) => `rooms ${userId}`));
    const join = { type: "m.room.member", stateKey: "@agent_2:test", content: { membership: "join" } };
    attendance.note({ roomId: "!new:test", ...join });
    expect([...(await attendance.in("!new:test", signal))]).toEqual(["@agent_2:test"]);
  });

  test("is known without an agent that has no session that is good, and with it once it has", async () => {
    failures.set("@agent_2:test", "token");
    expect([...(await attendance.in("!shared:test", signal))]).toEqual(["@agent_1:test"]);
    failures.clear();
    expect([...(await attendance.in("!shared:test", signal))]).toEqual(users);
  });

  test("is known, also of an agent's own room, once the agent has logged in", async () => {
    loggedIn = new Set();
    expect([...(await attendance.in("!own:test", signal))]).toEqual([]);
    loggedIn = new Set(users);
    expect([...(await attendance.in("!own:test", signal))]).toEqual(["@agent_1:test"]);
    await attendance.in("!own:test", signal);
    expect(asked.filter((one) => one.startsWith("rooms"))).toEqual(users.map((userId) => `rooms ${userId}`));
  });

  test.each(["unreachable", "malformed"] as const)(
    "is known from the agents where the homeserver cannot tell of that room alone (%s)",
    async (kind) => {
      failures.set("!own:test", kind);
      expect([...(await attendance.in("!own:test", signal))]).toEqual(["@agent_1:test"]);
      expect([...(await attendance.in("!shared:test", signal))]).toEqual(users);
      asked = [];
      expect([...(await attendance.in("!own:test", signal))]).toEqual(["@agent_1:test"]);
      expect(asked).toEqual([]);
    },
  );

  test("cannot be told where the homeserver asks for a pause", async () => {
    failures.set("!own:test", "limited");
    await expect(attendance.in("!own:test", signal)).rejects.toMatchObject({ kind: "limited" });
    failures.clear();
    expect([...(await attendance.in("!own:test", signal))]).toEqual(["@agent_1:test"]);
  });

  test("is not asked of an agent that is gone, whose user may be, too", async () => {
    lives.set("agent-2", "retired");
    failures.set("@agent_2:test", "unreachable");
    expect([...(await attendance.in("!shared:test", signal))]).toEqual(["@agent_1:test"]);
  });

  test("cannot be told where all are refused, since that is no trouble of one", async () => {
    for (const userId of [...users, "@letta-matrix:test"]) failures.set(userId, "token");
    await expect(attendance.in("!shared:test", signal)).rejects.toMatchObject({ kind: "token" });
    failures.clear();
    expect([...(await attendance.in("!shared:test", signal))]).toEqual(users);
  });

  test.each(["unreachable", "malformed", "limited", "forbidden"] as const)(
    "is known without an agent whom alone the homeserver cannot tell (%s), who may be there, and with it later",
    async (kind) => {
      failures.set("@agent_2:test", kind);
      await attendance.in("!own:test", signal);
      expect([...(await attendance.in("!shared:test", signal))]).toEqual(["@agent_1:test"]);
      expect(maybe("!shared:test")).toEqual(["@agent_2:test"]);
      expect(maybe("!own:test"), "somebody in there has told").toEqual([]);
      // It is not asked each time that something is said, and nobody waits for it.
      asked = [];
      await attendance.in("!shared:test", signal);
      expect(asked).toEqual([]);
      failures.clear();
      await clock.pass(60_000);
      await attendance.in("!shared:test", signal);
      await settled();
      expect([...(await attendance.in("!shared:test", signal))]).toEqual(users);
      expect(maybe("!shared:test")).toEqual([]);
      expect(asked).toEqual(["rooms @agent_2:test"]);
    },
  );

  test("does not wait long for one agent of whom nothing is said", async () => {
    hanging.add("@agent_2:test");
    const shared = attendance.in("!shared:test", signal);
    await clock.pass(10_000);
    expect([...(await shared)]).toEqual(["@agent_1:test"]);
    expect(maybe("!shared:test")).toEqual(["@agent_2:test"]);
  });

  test("cannot be told where the homeserver ends to answer among thousands, and not each is asked in vain", async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => `@agent_${n + 3}:test`);
    for (const [n, userId] of many.entries()) {
      residents.note(agentRecord(`agent-${n + 3}`, {}, { userId }));
      loggedIn.add(userId);
      failures.set(userId, "unreachable");
    }
    await expect(attendance.in("!shared:test", signal)).rejects.toMatchObject({ kind: "unreachable" });
    expect(asked.length).toBeLessThan(50);
    failures.clear();
    expect([...(await attendance.in("!shared:test", signal))]).toEqual(users);
  });

  test("cannot be told while the homeserver gives nobody an answer", async () => {
    for (const userId of [...users, "@letta-matrix:test"]) failures.set(userId, "unreachable");
    await expect(attendance.in("!shared:test", signal)).rejects.toMatchObject({ kind: "unreachable" });
  });

  test("is asked again once it has been forgotten", async () => {
    await attendance.in("!own:test", signal);
    attendance.forget();
    await attendance.in("!own:test", signal);
    expect(asked).toHaveLength(2);
  });
});
