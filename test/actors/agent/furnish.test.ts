import { beforeEach, describe, expect, test } from "vitest";
import { furnishRoom } from "../../../src/actors/agent/furnish.ts";
import { createRoom, type RoomOptions } from "../../../src/actors/agent/room.ts";
import { roomMarker } from "../../../src/actors/marker.ts";
import type { Content } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { effectContext } from "../effect-context.ts";
import { anna, type Town, town } from "../town.ts";

const options: RoomOptions = {
  server: "test",
  botUserId: "@bot:test",
  people: [],
  admins: ["@admin:test"],
  readers: ["@letta:test"],
  nameTemplate: "{agent} - Letta Agent Chat",
};

let t: Town;
let roomId: string;
beforeEach(async () => {
  t = await town();
  ({ roomId } = await createRoom(t.sessions, options)({ ...wanted(), spaceId: "!space:test" }, effectContext<never>()));
});

function wanted(rest: { name?: string; avatarUrl?: string | null } = {}) {
  return { userId: t.userId, agentId: "agent-1", name: "Scout", avatarUrl: "mxc://test/scout", ...rest };
}

const furnish = (rest: { name?: string; avatarUrl?: string | null } = {}) =>
  furnishRoom(t.sessions, options)({ ...wanted(rest), roomId }, effectContext<never>());
const state = (type: string) => t.homeserver.room(roomId).state(type, "");
const change = (type: string, content: Content) =>
  t.homeserver.post(roomId, { sender: anna, type, stateKey: "", content });
const writes = () => t.homeserver.requests.filter(({ call }) => call === "sendState" || call === "createAlias");

describe("a room that is looked at", () => {
  test("#10 is written nothing into when all is well", async () => {
    const before = t.homeserver.requests.length;
    await furnish();
    expect(t.homeserver.requests.slice(before).map(({ call }) => call)).toEqual(["roomState", "resolveAlias"]);
  });

  test.each<[string, Content]>([
    ["m.room.name", { name: "mine now" }],
    ["m.room.topic", { topic: "something else" }],
    ["m.room.topic", { topic: "Talk to the Letta agent Scout. Every message here gets one answer.", "m.topic": {} }],
    ["m.room.avatar", { url: "mxc://test/other" }],
    ["m.room.join_rules", { join_rule: "public" }],
    ["m.room.history_visibility", { history_visibility: "world_readable" }],
    ["m.room.guest_access", { guest_access: "can_join" }],
    ["m.room.canonical_alias", {}],
    ["io.element.functional_members", { service_members: ["@agent_1:test"] }],
    [roomMarker, { agent_id: "agent-2" }],
  ])("#16 gets its %s back, and nothing else is written", async (type, content) => {
    const before = state(type);
    change(type, content);
    await furnish();
    expect(state(type)).toEqual(before);
    expect(writes()).toHaveLength(1);
    await furnish();
    expect(writes()).toHaveLength(1);
  });

  test("keeps what clients and homeservers add to its state", async () => {
    change("m.room.topic", { ...state("m.room.topic"), "org.example.colour": "green" });
    await furnish();
    expect(writes()).toEqual([]);
  });

  test("#43 follows the agent's new name in name and topic", async () => {
    await furnish({ name: "Ranger" });
    expect(state("m.room.name")).toEqual({ name: "Ranger - Letta Agent Chat" });
    expect(state("m.room.topic")).toMatchObject({ topic: expect.stringContaining("Ranger") });
  });

  test("shows no picture any more when the agent is to have none, but keeps one that somebody else put there", async () => {
    await furnish({ avatarUrl: null });
    expect(state("m.room.avatar")).toEqual({});
    change("m.room.avatar", { url: "mxc://test/by-hand" });
    await furnish({ avatarUrl: null });
    expect(state("m.room.avatar")).toEqual({ url: "mxc://test/by-hand" });
  });

  test("gets its alias back when somebody took it away, but takes none from another room", async () => {
    t.homeserver.aliases.delete("#agent_1:test");
    await furnish();
    expect(t.homeserver.aliases.get("#agent_1:test")).toBe(roomId);
    t.homeserver.aliases.set("#agent_1:test", t.roomId);
    await expect(furnish()).rejects.toMatchObject({ kind: "squatted" });
    expect(t.homeserver.aliases.get("#agent_1:test")).toBe(t.roomId);
  });
});

describe("power in a room that is looked at", () => {
  const levels = (users: Content, rest: Content = {}) => ({ ...state("m.room.power_levels"), users, ...rest });
  const own = { "@agent_1:test": 100 };

  test("is given back to admins and taken from readers, and left to whom somebody gave it", async () => {
    change("m.room.power_levels", levels({ ...own, "@admin:test": 0, "@letta:test": 50, [anna]: 50 }));
    await furnish();
    expect(state("m.room.power_levels")).toMatchObject({
      users: { ...own, "@admin:test": 100, "@letta:test": -1, [anna]: 50 },
    });
    await furnish();
    expect(writes()).toHaveLength(1);
  });

  test("is left to whom somebody gave it as a string, which no homeserver takes again, and garbage to nobody", async () => {
    change("m.room.power_levels", levels({ ...own, "@admin:test": "100", [anna]: " 50", "@bert:test": null }));
    await furnish();
    expect(state("m.room.power_levels")?.["users"]).toEqual({
      ...own,
      "@admin:test": 100,
      "@letta:test": -1,
      [anna]: 50,
    });
  });

  test("is nobody's for merely being there, also where that is a string", async () => {
    const users = { ...own, "@admin:test": 100, "@letta:test": -1 };
    change("m.room.power_levels", levels(users, { users_default: "100", events_default: {} }));
    await furnish();
    expect(state("m.room.power_levels")).toMatchObject({ users_default: 0, events_default: 0 });
  });

  test("of the agent is asked for again when somebody took it, and said to be missing", async () => {
    change("m.room.power_levels", levels({ "@admin:test": 100, "@letta:test": -1 }));
    for (let time = 1; time <= 2; time++) {
      await expect(furnish()).rejects.toMatchObject({ kind: "forbidden" });
      expect(writes()).toHaveLength(time);
    }
    change("m.room.power_levels", levels({ ...own, "@letta:test": 0 }));
    await furnish();
    expect(state("m.room.power_levels")).toMatchObject({ users: own });
  });

  test("of creators is not written down in newer rooms, which refuse that", async () => {
    const create = t.homeserver
      .room(roomId)
      .stateEvents()
      .find(({ type }) => type === "m.room.create");
    t.homeserver.post(roomId, { sender: t.userId, ...create, content: { room_version: "12" } });
    change("m.room.power_levels", levels({ "@admin:test": 100, "@letta:test": -1 }));
    await furnish();
    expect(writes()).toEqual([]);
  });

  test("is nobody's for merely being there, and people may speak", async () => {
    const users = { ...own, "@admin:test": 100, "@letta:test": -1 };
    change("m.room.power_levels", levels(users, { users_default: 100, events_default: 50, kick: 99 }));
    await furnish();
    expect(state("m.room.power_levels")).toMatchObject({ users_default: 0, events_default: 0, kick: 99 });
  });
});

test("#16 what cannot be put right is told, and keeps nothing else from being put right", async () => {
  change("m.room.name", { name: "mine now" });
  change("m.room.topic", { topic: "something else" });
  t.homeserver.fail("sendState", matrixError("forbidden"), 1, ({ args: [, type] }) => type === "m.room.name");
  await expect(furnish()).rejects.toMatchObject({ kind: "forbidden" });
  expect(state("m.room.topic")).toMatchObject({ topic: expect.stringContaining("Scout") });
});

test("the rest waits while the homeserver is away", async () => {
  change("m.room.name", { name: "mine now" });
  change("m.room.topic", { topic: "something else" });
  t.homeserver.fail("sendState", matrixError("unreachable"));
  await expect(furnish()).rejects.toMatchObject({ kind: "unreachable" });
  expect(writes()).toHaveLength(1);
});
