import { beforeEach, describe, expect, test } from "vitest";
import { Attendance } from "../../../src/actors/feed/attendance.ts";
import { Residents } from "../../../src/actors/feed/residents.ts";
import type { MatrixErrorKind } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { agentRecord } from "../agent-record.ts";

const { signal } = new AbortController();
const users = ["@agent_1:test", "@agent_2:test"];
const isIn: Record<string, readonly string[]> = {
  "@agent_1:test": ["!own:test", "!shared:test"],
  "@agent_2:test": ["!shared:test"],
};

let asked: string[];
let attendance: Attendance;
let loggedIn: Set<string>;
let failures: Map<string, MatrixErrorKind>;
const lives = new Map<string, string>();

/** A homeserver that tells only those who are in a room who is in it. */
beforeEach(() => {
  asked = [];
  loggedIn = new Set([...users, "@letta-matrix:test"]);
  failures = new Map();
  lives.clear();
  const read = (id: string) => {
    const agentId = id.slice(id.lastIndexOf("/") + 1);
    return agentRecord(agentId, { life: lives.get(agentId) ?? "live", intake: "pushed" });
  };
  const residents = new Residents({ list: async function* () {}, read }, "test");
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
    async joinedRooms() {
      asked.push(`rooms ${userId}`);
      const failure = failures.get(userId);
      if (failure !== undefined) throw matrixError(failure);
      return isIn[userId] ?? [];
    },
  });
  attendance = new Attendance(
    { as: client, isLoggedIn: (userId) => loggedIn.has(userId) },
    residents,
    "@letta-matrix:test",
  );
});

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

  test("cannot be told while the homeserver gives no answer", async () => {
    failures.set("@agent_2:test", "unreachable");
    await expect(attendance.in("!shared:test", signal)).rejects.toMatchObject({ kind: "unreachable" });
  });

  test("is asked again once it has been forgotten", async () => {
    await attendance.in("!own:test", signal);
    attendance.forget();
    await attendance.in("!own:test", signal);
    expect(asked).toHaveLength(2);
  });
});
