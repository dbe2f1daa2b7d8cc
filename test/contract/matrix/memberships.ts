import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import type { MatrixEvent } from "../../../src/matrix/port.ts";
import { failure, messagesOnly, never, newRoom, newUser, type PortUnderContract, syncNow } from "./server.ts";

function membershipIn(state: readonly MatrixEvent[], userId: string): unknown {
  return state.find(({ type, stateKey }) => type === "m.room.member" && stateKey === userId)?.content["membership"];
}

/** `reserves`: whether all aliases are one application service's, whose users may then take away each other's. */
export function membershipsContract(server: () => PortUnderContract, { reserves = false } = {}): void {
  it("gives a room's state at once, each piece with who set it", async () => {
    const [owner, member] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner, member);
    await owner.client.sendState(room, "io.test.state", "key", { n: 1 }, never);
    await owner.client.sendState(room, "io.test.state", "key", { n: 2 }, never);
    const state = await member.client.roomState(room, never);
    const piece = (type: string, key = "") => state.filter((one) => one.type === type && one.stateKey === key);
    expect(piece("io.test.state", "key")).toMatchObject([{ sender: owner.userId, content: { n: 2 } }]);
    expect(piece("m.room.create")).toMatchObject([{ sender: owner.userId }]);
    expect(piece("m.room.name")).toMatchObject([{ content: { name: "A room" } }]);
    expect(membershipIn(state, member.userId)).toBe("join");
  });

  it("gives the state of a room to its members only; to who has left, as it was then", async () => {
    const [owner, member, stranger] = [await newUser(server()), await newUser(server()), await newUser(server())];
    const room = await newRoom(owner, member);
    expect(await failure(stranger.client.roomState(room, never))).toMatchObject({ kind: "forbidden" });
    expect(await failure(stranger.client.roomState("!nowhere:localhost", never))).toMatchObject({ kind: "forbidden" });
    await server().putOut("kick", member, owner, room);
    await owner.client.sendState(room, "m.room.name", "", { name: "later" }, never);
    const state = await member.client.roomState(room, never);
    expect(membershipIn(state, member.userId)).toBe("leave");
    expect(state.find(({ type }) => type === "m.room.name")?.content).toEqual({ name: "A room" });
    expect(await failure(member.client.join(room, never))).toMatchObject({ kind: "forbidden" });
  });

  it("names a room that somebody was taken out of as left, once", async () => {
    const [owner, member] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner, member);
    const before = await syncNow(member);
    await server().putOut("kick", member, owner, room);
    const after = await syncNow(member, before.nextBatch);
    expect(after.left).toEqual([room]);
    expect((await syncNow(member, after.nextBatch)).left).toEqual([]);
  });

  it("tells of changes of a room's state that others make, where they are asked for", async () => {
    const [owner, member] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner, member);
    const filter = {
      ...messagesOnly,
      timelineTypes: ["m.room.message", "m.room.name"],
      notSenders: [member.userId],
    };
    const { nextBatch } = await syncNow(member, undefined, filter);
    await owner.client.sendState(room, "m.room.name", "", { name: "changed" }, never);
    await owner.client.sendState(room, "m.room.topic", "", { topic: "not asked for" }, never);
    const { joined } = await syncNow(member, nextBatch, filter);
    expect(joined.flatMap(({ timeline }) => timeline)).toMatchObject([
      { type: "m.room.name", stateKey: "", sender: owner.userId, content: { name: "changed" } },
    ]);
  });

  it("leaves a room, declines an invitation, and does nothing in a room it is not in", async () => {
    const [owner, guest] = [await newUser(server()), await newUser(server())];
    const [entered, declined, elsewhere] = [await newRoom(owner, guest), await newRoom(owner), await newRoom(owner)];
    await owner.client.invite(declined, guest.userId, never);
    for (const room of [entered, declined]) {
      expect(await guest.client.leave(room, never)).toBe(true);
      await guest.client.leave(room, never);
      expect(membershipIn(await owner.client.roomState(room, never), guest.userId)).toBe("leave");
    }
    expect(await guest.client.leave(elsewhere, never)).toBe(false);
    expect(await guest.client.leave("!nowhere:localhost", never)).toBe(false);
  });

  it("tells who has left a room, was put out of it, or has declined its invitation, from who never was there", async () => {
    const [owner, guest] = [await newUser(server()), await newUser(server())];
    const [entered, expelled, declined] = [
      await newRoom(owner, guest),
      await newRoom(owner, guest),
      await newRoom(owner),
    ];
    await owner.client.invite(declined, guest.userId, never);
    for (const room of [entered, declined]) await guest.client.leave(room, never);
    await server().putOut("kick", guest, owner, expelled);
    const wasIn = async (room: string) => {
      if (await guest.client.leave(room, never)) return true;
      const own = guest.client.state(room, "m.room.member", guest.userId, never);
      return own.then(() => true).catch((error: unknown) => error);
    };
    for (const room of [entered, expelled, declined]) expect(await wasIn(room)).toBe(true);
    expect(await wasIn(await newRoom(owner))).toMatchObject({ kind: "forbidden" });
  });

  it("lets who has left read what was there until then", async () => {
    const [owner, member] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner, member);
    await owner.client.sendState(room, "io.test.state", "", { n: 1 }, never);
    await member.client.leave(room, never);
    await owner.client.sendState(room, "io.test.state", "", { n: 2 }, never);
    expect(await member.client.state(room, "io.test.state", "", never)).toEqual({ n: 1 });
    const { chunk } = await member.client.messages(room, { dir: "b", limit: 100 }, never);
    expect(chunk.at(-1)).toMatchObject({ type: "m.room.create", sender: owner.userId });
    expect(chunk.filter(({ type }) => type === "io.test.state")).toMatchObject([{ content: { n: 1 } }]);
  });

  it("tells for certain which rooms somebody is in", async () => {
    const [owner, guest] = [await newUser(server()), await newUser(server())];
    const [entered, invited, left] = [await newRoom(owner, guest), await newRoom(owner), await newRoom(owner, guest)];
    await owner.client.invite(invited, guest.userId, never);
    await guest.client.leave(left, never);
    expect(await guest.client.joinedRooms(never)).toEqual([entered]);
    expect(await (await newUser(server())).client.joinedRooms(never)).toEqual([]);
  });

  it("lets who has left take its own alias away", async () => {
    const owner = await newUser(server());
    const room = await newRoom(owner);
    const alias = `#released-${randomUUID()}:${server().homeserver.serverName}`;
    await owner.client.createAlias(alias, room, never);
    await owner.client.leave(room, never);
    await owner.client.deleteAlias(alias, never);
    expect(await owner.client.resolveAlias(alias, never)).toBeUndefined();
  });

  it("tells of an invitation with who sent it, until it is answered", async () => {
    const [owner, guest] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner);
    await owner.client.invite(room, guest.userId, never);
    const first = await syncNow(guest);
    expect(first.invited).toEqual([{ roomId: room, inviter: owner.userId }]);
    await guest.client.leave(room, never);
    const later = await syncNow(guest, first.nextBatch);
    expect(later).toMatchObject({ invited: [], left: [room] });
  });

  it("gives a room another alias, and takes aliases away", async () => {
    const owner = await newUser(server());
    const [room, other] = [await newRoom(owner), await newRoom(owner)];
    const alias = `#another-${randomUUID()}:${server().homeserver.serverName}`;
    await owner.client.createAlias(alias, room, never);
    expect(await owner.client.resolveAlias(alias, never)).toBe(room);
    for (const taker of [room, other]) {
      expect(await failure(owner.client.createAlias(alias, taker, never))).toMatchObject({ kind: "taken" });
    }
    for (let time = 1; time <= 2; time++) await owner.client.deleteAlias(alias, never);
    expect(await owner.client.resolveAlias(alias, never)).toBeUndefined();
  });

  it.skipIf(reserves)("lets nobody without power take an alias away", async () => {
    const [owner, stranger] = [await newUser(server()), await newUser(server())];
    const alias = `#kept-${randomUUID()}:${server().homeserver.serverName}`;
    const room = await newRoom(owner);
    await owner.client.createAlias(alias, room, never);
    expect(await failure(stranger.client.deleteAlias(alias, never))).toMatchObject({ kind: "forbidden" });
    expect(await owner.client.resolveAlias(alias, never)).toBe(room);
  });
}
