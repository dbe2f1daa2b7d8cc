import { beforeEach, describe, expect, test } from "vitest";
import { resolveRoom } from "../../../src/actors/agent/room.ts";
import { roomMarker } from "../../../src/actors/marker.ts";
import { MatrixError } from "../../../src/matrix/port.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { effectContext } from "../effect-context.ts";
import { anna, type Town, town } from "../town.ts";

/** Where an agent finds its room again, by what it knows of it. */

const alias = "#agent_1:test";
const options = {
  server: "test",
  botUserId: "@bot:test",
  people: [],
  admins: [],
  readers: [],
  nameTemplate: "{agent}",
};

let t: Town;
beforeEach(async () => {
  t = await town();
  t.homeserver.aliases.set(alias, t.roomId);
  t.homeserver.post(t.roomId, { sender: t.userId, type: roomMarker, stateKey: "", content: { agent_id: "agent-1" } });
});

const resolve = (roomId: string | null = t.roomId) =>
  resolveRoom(t.sessions, options, t.clock)({ userId: t.userId, agentId: "agent-1", roomId }, effectContext<never>());

/** What Synapse answers when nobody is left in a room, or it was deleted. */
const nobodyThere = () =>
  new MatrixError("refused", "no servers that are in the room", {
    remedy: "none",
    httpStatus: 404,
    errcode: "M_UNKNOWN",
  });

describe("the agent's room", () => {
  test("is the one it knows, at the cost of one request, also without an alias", async () => {
    t.homeserver.aliases.delete(alias);
    const before = t.homeserver.requests.length;
    expect(await resolve()).toEqual({ roomId: t.roomId });
    expect(t.homeserver.requests.length - before).toBe(1);
  });

  test("that it was taken out of is said to need an invitation, and entered again with one", async () => {
    t.homeserver.setMember(t.roomId, t.userId, "leave", anna);
    await expect(resolve()).rejects.toMatchObject({
      kind: "forbidden",
      remedy: expect.stringContaining(`invite ${t.userId}`),
    });
    t.homeserver.setMember(t.roomId, t.userId, "invite", anna);
    expect(await resolve()).toEqual({ roomId: t.roomId });
    expect(t.homeserver.room(t.roomId).membershipOf(t.userId)).toBe("join");
  });

  test.each(["unreachable", "limited", "malformed", "token"] as const)(
    "#13 is not given up while the homeserver says %s",
    async (kind) => {
      t.homeserver.aliases.delete(alias);
      t.homeserver.fail("roomState", matrixError(kind));
      await expect(resolve()).rejects.toMatchObject({ kind });
      t.homeserver.setMember(t.roomId, t.userId, "leave", anna);
      t.homeserver.fail("join", matrixError(kind));
      await expect(resolve()).rejects.toMatchObject({ kind });
    },
  );

  test("#13 is not given up when the homeserver forbids to look at it", async () => {
    t.homeserver.aliases.delete(alias);
    t.homeserver.fail("roomState", matrixError("forbidden"));
    t.homeserver.fail("join", matrixError("forbidden"));
    await expect(resolve()).rejects.toMatchObject({ kind: "forbidden" });
  });

  test("#15 that was deleted on the homeserver, with its alias, is none any more", async () => {
    t.homeserver.aliases.delete(alias);
    t.homeserver.fail("roomState", matrixError("forbidden"));
    t.homeserver.fail("join", nobodyThere());
    expect(await resolve()).toEqual({ roomId: null });
  });

  test("#13 that nobody can enter, but has its alias, is not replaced by another one", async () => {
    t.homeserver.setMember(t.roomId, t.userId, "leave", anna);
    t.homeserver.fail("join", nobodyThere());
    await expect(resolve()).rejects.toMatchObject({ kind: "forbidden" });
  });
});

describe("a room that was upgraded", () => {
  function upgrade(by: string, predecessor = t.roomId): string {
    const roomId = t.homeserver.makeRoom(by);
    const create = t.homeserver.room(roomId).events[0];
    t.homeserver.post(roomId, { ...create, sender: by, content: { predecessor: { room_id: predecessor } } });
    t.homeserver.post(t.roomId, {
      sender: by,
      type: "m.room.tombstone",
      stateKey: "",
      content: { body: "replaced", replacement_room: roomId },
    });
    return roomId;
  }

  test("is followed as soon as the agent is let into the new one", async () => {
    const upgraded = upgrade(anna);
    await expect(resolve()).rejects.toMatchObject({ kind: "forbidden", remedy: expect.stringContaining(upgraded) });
    t.homeserver.setMember(upgraded, t.userId, "invite", anna);
    expect(await resolve()).toEqual({ roomId: upgraded });
    expect(t.homeserver.room(upgraded).membershipOf(t.userId)).toBe("join");
    expect(await resolve(upgraded)).toEqual({ roomId: upgraded });
  });

  test("is followed also without a record, by its alias", async () => {
    const upgraded = upgrade(anna);
    t.homeserver.setMember(upgraded, t.userId, "join");
    t.homeserver.aliases.set(alias, upgraded);
    expect(await resolve(null)).toEqual({ roomId: upgraded });
  });

  test("is not left for a room that does not say so itself", async () => {
    const other = upgrade(anna, "!elsewhere:test");
    t.homeserver.setMember(other, t.userId, "invite", anna);
    await expect(resolve()).rejects.toMatchObject({ kind: "squatted" });
    expect(t.homeserver.room(other).membershipOf(t.userId)).toBe("leave");
  });

  test("is not left for a room of somebody else than who ended it", async () => {
    const other = upgrade(anna);
    const create = t.homeserver.room(other).events[0];
    t.homeserver.post(other, {
      ...create,
      sender: "@mallory:test",
      content: { predecessor: { room_id: t.roomId } },
    });
    t.homeserver.setMember(other, t.userId, "invite", "@mallory:test");
    await expect(resolve()).rejects.toMatchObject({ kind: "squatted" });
  });
});
