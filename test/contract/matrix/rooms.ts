import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { failure, history, never, newRoom, newUser, type PortUnderContract } from "./server.ts";

export function roomsContract(server: () => PortUnderContract): void {
  it("creates a private room that only its members can read and nobody can enter uninvited", async () => {
    const [owner, stranger] = [await newUser(server()), await newUser(server())];
    const aliasLocalpart = `agent-${randomUUID()}`;
    const room = await owner.client.createRoom(
      {
        aliasLocalpart,
        name: "Ünö's room",
        topic: "of tests",
        initialState: [{ type: "io.test.marker", stateKey: "k", content: { mark: 1 } }],
      },
      never,
    );
    const state = (type: string, key = "") => owner.client.state(room, type, key, never);
    expect(await state("m.room.name")).toEqual({ name: "Ünö's room" });
    expect(await state("m.room.topic")).toMatchObject({ topic: "of tests" });
    expect(await state("m.room.join_rules")).toMatchObject({ join_rule: "invite" });
    expect(await state("m.room.history_visibility")).toEqual({ history_visibility: "shared" });
    expect(await state("m.room.guest_access")).toEqual({ guest_access: "forbidden" });
    expect(await state("io.test.marker", "k")).toEqual({ mark: 1 });
    const alias = `#${aliasLocalpart}:${server().homeserver.serverName}`;
    expect(await state("m.room.canonical_alias")).toMatchObject({ alias });
    expect(await owner.client.resolveAlias(alias, never)).toBe(room);
    expect(await failure(stranger.client.join(room, never))).toMatchObject({ kind: "forbidden" });
    expect(await failure(stranger.client.messages(room, { dir: "b", limit: 10 }, never))).toMatchObject({
      kind: "forbidden",
    });
  });

  it("gives one event by its id, to its members, and none that there is not", async () => {
    const [owner, stranger] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner);
    const eventId = await owner.client.send(room, "m.room.message", "one", { msgtype: "m.text", body: "hello" }, never);
    expect(await owner.client.event(room, eventId, never)).toMatchObject({
      eventId,
      sender: owner.userId,
      type: "m.room.message",
      content: { body: "hello" },
    });
    expect(await owner.client.event(room, `$${"n".repeat(43)}`, never)).toBeUndefined();
    // Some say that it is forbidden, others that there is none.
    expect(await stranger.client.event(room, eventId, never).catch(() => undefined)).toBeUndefined();
  });

  it("refuses to read on from a place that it never gave out", async () => {
    const owner = await newUser(server());
    const room = await newRoom(owner);
    for (const from of ["nowhere", "s", "\r\u{232b7}|x"])
      expect(await failure(owner.client.messages(room, { dir: "b", limit: 10, from }, never))).toMatchObject({
        kind: "refused",
      });
  });

  it("creates a room with what the caller asks for in place of the defaults", async () => {
    const [owner, admin] = [await newUser(server()), await newUser(server())];
    const room = await owner.client.createRoom(
      {
        aliasLocalpart: `space-${randomUUID()}`,
        name: "A space",
        roomType: "m.space",
        invite: [admin.userId],
        creationContent: { "m.federate": false },
        initialState: [{ type: "m.room.history_visibility", stateKey: "", content: { history_visibility: "invited" } }],
        powerLevels: { events_default: 100, users: { [admin.userId]: 100 } },
      },
      never,
    );
    expect(await owner.client.state(room, "m.room.create", "", never)).toMatchObject({
      type: "m.space",
      "m.federate": false,
    });
    expect(await owner.client.state(room, "m.room.history_visibility", "", never)).toEqual({
      history_visibility: "invited",
    });
    await admin.client.join(room, never);
    for (const { client } of [owner, admin]) await client.sendState(room, "m.room.topic", "", { topic: "mine" }, never);
    const levels = await owner.client.state(room, "m.room.power_levels", "", never);
    expect(levels).toMatchObject({ events_default: 100, users: { [admin.userId]: 100 } });
  });

  it("says that an alias is taken, and makes no second room", async () => {
    const user = await newUser(server());
    const request = { aliasLocalpart: `twice-${randomUUID()}`, name: "Once" };
    const room = await user.client.createRoom(request, never);
    expect(await failure(user.client.createRoom(request, never))).toMatchObject({
      kind: "taken",
      errcode: "M_ROOM_IN_USE",
    });
    expect(await user.client.joinedRooms(never)).toEqual([room]);
  });

  it("resolves no alias that does not exist, whatever it looks like", async () => {
    const { client } = await newUser(server());
    const { serverName } = server().homeserver;
    for (const localpart of ["no-such-room", "a/b?c#d%e", "ü 🎭"]) {
      expect(await client.resolveAlias(`#${localpart}:${serverName}`, never)).toBeUndefined();
    }
  });

  it("keeps state by type and key", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const keys = ["", "plain", "a/b?c#d%e&f=g", "ü 🎭 space", "user@host:port", "...", "%2e%2e", "line\nbreak"];
    for (const [n, key] of keys.entries()) await user.client.sendState(room, "io.test.state", key, { n }, never);
    for (const [n, key] of keys.entries()) {
      expect(await user.client.state(room, "io.test.state", key, never)).toEqual({ n });
    }
    expect(await user.client.state(room, "io.test.state", "never set", never)).toBeUndefined();
    expect(await user.client.state(room, "io.test.never", "", never)).toBeUndefined();
  });

  it("makes one event of the same state set twice, and another one of a change", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const set = (n: number) => user.client.sendState(room, "io.test.state", "k", { n }, never);
    const first = await set(1);
    expect(await set(1)).toBe(first);
    expect(await set(2)).not.toBe(first);
    expect(await history(user, room, ["io.test.state"])).toHaveLength(2);
  });

  it("shows state to members only, and lets it change only with power", async () => {
    const [owner, member, stranger] = [await newUser(server()), await newUser(server()), await newUser(server())];
    const room = await newRoom(owner, member);
    expect(await failure(stranger.client.state(room, "m.room.name", "", never))).toMatchObject({ kind: "forbidden" });
    const change = member.client.sendState(room, "m.room.name", "", { name: "mine" }, never);
    expect(await failure(change)).toMatchObject({ kind: "forbidden" });
  });

  it("invites once, however often it is asked to", async () => {
    const [owner, guest] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner);
    await owner.client.invite(room, guest.userId, never);
    await owner.client.invite(room, guest.userId, never);
    await guest.client.join(room, never);
    await owner.client.invite(room, guest.userId, never);
    const memberships = (await history(owner, room, ["m.room.member"]))
      .filter((event) => event.stateKey === guest.userId)
      .map((event) => event.content["membership"]);
    expect(memberships).toEqual(["invite", "join"]);
  });

  it("invites once although two ask at the same time", async () => {
    const [owner, guest] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner);
    const inviting = owner.client.invite(room, guest.userId, never);
    await Promise.all([inviting, inviting.then(() => guest.client.join(room, never))]);
    await Promise.all([1, 2, 3].map(() => owner.client.invite(room, guest.userId, never)));
    expect(await owner.client.state(room, "m.room.member", guest.userId, never)).toMatchObject({ membership: "join" });
  });

  it("says that an invitation is forbidden: by who has no power, and of who is banned", async () => {
    const [owner, member, guest] = [await newUser(server()), await newUser(server()), await newUser(server())];
    const room = await newRoom(owner, member);
    await owner.client.sendState(room, "m.room.power_levels", "", await withInviteLevel(50), never);
    expect(await failure(member.client.invite(room, guest.userId, never))).toMatchObject({ kind: "forbidden" });
    expect(await failure(guest.client.invite(room, member.userId, never))).toMatchObject({ kind: "forbidden" });
    await server().putOut("ban", guest, owner, room);
    expect(await failure(owner.client.invite(room, guest.userId, never))).toMatchObject({ kind: "forbidden" });

    async function withInviteLevel(invite: number) {
      return { ...(await owner.client.state(room, "m.room.power_levels", "", never)), invite };
    }
  });

  it("joins by id or alias, and joining again changes nothing", async () => {
    const [owner, guest] = [await newUser(server()), await newUser(server())];
    const aliasLocalpart = `join-${randomUUID()}`;
    const room = await owner.client.createRoom({ aliasLocalpart, name: "Join", invite: [guest.userId] }, never);
    expect(await guest.client.join(`#${aliasLocalpart}:${server().homeserver.serverName}`, never)).toBe(room);
    expect(await guest.client.join(room, never)).toBe(room);
    const joins = (await history(owner, room, ["m.room.member"])).filter((event) => event.stateKey === guest.userId);
    expect(joins).toHaveLength(2);
  });
}
