import { beforeEach, describe, expect, test } from "vitest";
import { Adoption, type Inherited } from "../../src/actors/adoption/adoption.ts";
import { catchUp } from "../../src/actors/agent/intake.ts";
import { assertOurs } from "../../src/actors/ownership.ts";
import type { Sessions } from "../../src/actors/sessions.ts";
import { FakeAdmin } from "../ports/fake-admin.ts";
import { FakeHomeserver, matrixError } from "../ports/fake-homeserver.ts";
import { FakeVault } from "../ports/fake-vault.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { effectContext } from "./effect-context.ts";
import { newSessions } from "./town.ts";

const { signal } = new AbortController();
const userId = "@agent_1:test";
const alias = "#agent_1:test";
const operator = "@operator:test";
const nobody = { server: "test", people: new Set<string>(), servers: new Set<string>() };

let clock: SimulatedClock;
let homeserver: FakeHomeserver;
let vault: FakeVault;
let sessions: Sessions;
let roomId: string;

/** An old-style room: somebody else made it, without our mark, and the agent has power in it. */
beforeEach(async () => {
  clock = new SimulatedClock();
  homeserver = new FakeHomeserver(clock);
  vault = new FakeVault();
  sessions = newSessions(homeserver, vault);
  homeserver.passwords.set(userId, "old password");
  roomId = homeserver.makeRoom(operator, { name: "Scout", powerLevels: { users: { [operator]: 100, [userId]: 50 } } });
  homeserver.setMember(roomId, userId, "join");
});

const inherited = (rest: Partial<Inherited> = {}): Inherited => ({
  agentId: "agent-1",
  userId,
  password: "old password",
  roomId,
  ...rest,
});

function adoption({ admin, known }: { admin?: FakeAdmin; known?: string } = {}): Adoption {
  return new Adoption({
    homeserver,
    sessions,
    identity: { passwordOf: (user) => `secret-password-of-${user}`, deviceIdOf: (user) => `DEVICE-OF-${user}` },
    clock,
    roomOf: () => known,
    ...(admin !== undefined && { admin }),
  });
}

/** What stands on the homeserver, and in the vault. */
function everything(): string {
  const rooms = [...homeserver.rooms.values()].map(({ events }) => events);
  return JSON.stringify([rooms, [...homeserver.aliases], [...homeserver.passwords], [...vault.kept]]);
}

const assertIsOurs = () => assertOurs(sessions.as(userId), { alias, roomId, owner: "agent-1" }, signal);

describe("adopting", () => {
  test("keeps user, password and room, and makes the room one of ours", async () => {
    const done = await adoption().adopt(inherited(), false, signal);
    expect(done).toMatchObject({ outcome: "done", roomId });
    await assertIsOurs();
    expect(homeserver.aliases.get(alias)).toBe(roomId);
    await sessions.forget(userId);
    await sessions.ensure("agent_1", "Scout", signal);
    expect(homeserver.passwords.get(userId)).toBe("old password");
    expect(homeserver.count("createRoom")).toBe(0);
  });

  test("says beforehand what it would do, and then changes nothing and leaves no session", async () => {
    const before = everything();
    const would = await adoption().adopt(inherited(), true, signal);
    expect(everything()).toBe(before);
    expect(homeserver.count("logOut", userId)).toBe(1);
    expect(await adoption().adopt(inherited(), false, signal)).toEqual(would);
  });

  test("takes a room of an old version, in which a level is a string, or means nothing", async () => {
    const content = {
      users: { [operator]: "100", [userId]: "50", "@old:test": "much" },
      events: { "m.room.name": "x" },
    };
    homeserver.post(roomId, { sender: operator, type: "m.room.power_levels", stateKey: "", content });
    expect(await adoption().adopt(inherited(), false, signal)).toMatchObject({ outcome: "done" });
    await assertIsOurs();
  });

  test("again does nothing a second time", async () => {
    await adoption().adopt(inherited(), false, signal);
    const before = everything();
    clock.advance(1_000);
    for (const dryRun of [true, false])
      expect(await adoption().adopt(inherited(), dryRun, signal)).toEqual({ outcome: "done", roomId, steps: [] });
    expect(everything()).toBe(before);
    expect(homeserver.count("login", userId)).toBe(1);
  });

  test("that was cut off anywhere is finished by the next time", async () => {
    for (const call of ["sendState", "createAlias", "resolveAlias", "roomState"]) {
      homeserver.fail(call, matrixError("unreachable"));
      expect(await adoption().adopt(inherited(), false, signal)).toMatchObject({ outcome: "later" });
    }
    expect(await adoption().adopt(inherited(), false, signal)).toMatchObject({ outcome: "done" });
    await assertIsOurs();
  });

  test("takes a room that is only known by its alias, or none", async () => {
    homeserver.aliases.set(alias, roomId);
    const { roomId: _, ...withoutRoom } = inherited();
    expect(await adoption().adopt(withoutRoom, false, signal)).toMatchObject({ outcome: "done", roomId });
    homeserver.passwords.set("@agent_2:test", "old password");
    const other = { ...withoutRoom, agentId: "agent-2", userId: "@agent_2:test" };
    expect(await adoption().adopt(other, false, signal)).toMatchObject({
      outcome: "done",
      steps: [expect.any(String), expect.stringContaining("make a room")],
    });
  });

  test("waits as long as the homeserver asks", async () => {
    homeserver.fail("login", matrixError("limited", 333_000));
    expect(await adoption().adopt(inherited(), false, signal)).toMatchObject({
      outcome: "later",
      retryAfterMs: 333_000,
    });
  });

  test("answers nothing that was said before in whatever room, and all that is said after", async () => {
    const other = homeserver.makeRoom(operator);
    homeserver.setMember(other, userId, "join");
    const mention = { msgtype: "m.text", body: "you?", "m.mentions": { user_ids: [userId] } };
    for (const room of [roomId, other]) homeserver.post(room, { sender: operator, content: mention });
    clock.advance(1_000);
    await adoption().adopt(inherited(), false, signal);
    const after = [roomId, other].map((room) => homeserver.post(room, { sender: operator, content: mention }).eventId);
    const { heard } = await catchUp(
      sessions,
      clock,
      nobody,
      { people: new Set() },
      { isTalkingIn: () => false, knownSince: 0, pushes: false },
    )({ userId, roomId }, effectContext());
    expect(heard.map((one) => (one.kind === "question" ? one.question.eventId : one.kind))).toEqual(after);
  });
});

describe("adopting is refused, and changes nothing, where", () => {
  async function expectRefusal(reason: RegExp, given: Partial<Inherited> = {}, options = {}): Promise<void> {
    const before = everything();
    for (const dryRun of [true, false]) {
      const done = await adoption(options).adopt(inherited(given), dryRun, signal);
      expect(done).toMatchObject({
        outcome: "refused",
        reason: expect.stringMatching(reason),
        remedy: expect.any(String),
      });
      expect(JSON.stringify(done)).not.toContain("old password");
    }
    expect(everything()).toBe(before);
  }

  test("#42 the user has another name than it would have here", () =>
    expectRefusal(/would be @agent_1:test/, { userId: "@agent_agent_1:test" }));

  test("the password is not the one it has", async () => {
    await expectRefusal(/password/, { password: "another" });
    expect(homeserver.passwords.get(userId)).toBe("old password");
  });

  test("there is no such user", async () => {
    const given = { agentId: "agent-2", userId: "@agent_2:test" };
    await expectRefusal(/does not know @agent_2:test by the password/, given);
    await expectRefusal(/knows no @agent_2:test/, given, { admin: new FakeAdmin(homeserver) });
  });

  test("the agent's user is not in the room", async () => {
    homeserver.setMember(roomId, userId, "leave");
    await expectRefusal(/is not in/);
  });

  test("the agent may not set state, and nobody can give it that", async () => {
    const content = { users: { [operator]: 100 } };
    homeserver.post(roomId, { sender: operator, type: "m.room.power_levels", stateKey: "", content });
    await expectRefusal(/has not the power/);
    const admin = new FakeAdmin(homeserver);
    expect(await adoption({ admin }).adopt(inherited(), false, signal)).toMatchObject({ outcome: "done" });
    await assertIsOurs();
  });

  test("the room is another agent's", async () => {
    const content = { agent_id: "agent-2" };
    homeserver.post(roomId, { sender: operator, type: "io.letta_matrix.room", stateKey: "", content });
    await expectRefusal(/is the room of agent-2/);
  });

  test("the agent's alias names another room, or it has one here already", async () => {
    await expectRefusal(/has a room here already/, {}, { known: "!another:test" });
    homeserver.aliases.set(alias, "!another:test");
    await expectRefusal(/names another room/);
  });

  test("the room is encrypted", async () => {
    homeserver.post(roomId, { sender: operator, type: "m.room.encryption", stateKey: "", content: {} });
    await expectRefusal(/encrypted/);
  });
});

test("a room that somebody else has marked as adopted is not ours", async () => {
  await sessions.keep(
    await homeserver.login({ localpart: "agent_1", password: "old password", deviceId: "D" }, signal),
  );
  for (const [type, content] of [
    ["io.letta_matrix.room", { agent_id: "agent-1" }],
    ["io.letta_matrix.adopted", { agent_id: "agent-1", at: 1 }],
  ] as const)
    homeserver.post(roomId, { sender: operator, type, stateKey: "", content });
  await expect(assertIsOurs()).rejects.toMatchObject({ kind: "squatted" });
});
