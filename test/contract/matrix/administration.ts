import { randomUUID } from "node:crypto";
import { beforeAll, expect, it } from "vitest";
import type { HomeserverAdmin } from "../../../src/matrix/port.ts";
import { failure, never, newRoom, newUser, type PortUnderContract, sendText } from "./server.ts";

/** More than any server lets through at once. */
const many = 15;

/** What a server administrator's token is good for; on a server with its own rate limits. */
export function administrationContract(server: () => PortUnderContract, connect: () => Promise<HomeserverAdmin>): void {
  let admin: HomeserverAdmin;
  beforeAll(async () => {
    admin = await connect();
  });

  it("knows who exists", async () => {
    const user = await newUser(server());
    expect(await admin.exists(user.userId, never)).toBe(true);
    expect(await admin.exists(`@nobody-${randomUUID()}:${server().homeserver.serverName}`, never)).toBe(false);
  });

  it("exempts a user from the limits on its messages", async () => {
    const user = await newUser(server());
    await admin.liftRateLimits(user.userId, never);
    await admin.liftRateLimits(user.userId, never);
    const room = await newRoom(user);
    for (let n = 0; n < many; n++) await sendText(user, room, `message ${n}`);
  });

  it("exempts a user from the limits on how often somebody can be invited", async () => {
    const [inviter, invitee] = [await newUser(server()), await newUser(server())];
    await admin.liftRateLimits(inviter.userId, never);
    // As many as it may create at once.
    for (let n = 0; n < 8; n++) await inviter.client.invite(await newRoom(inviter), invitee.userId, never);
  });

  it("gives a user a new password, and ends the sessions of whoever had the old one", async () => {
    const user = await newUser(server());
    await admin.resetPassword(user.userId, "another password", never);
    expect(await failure(user.client.setDisplayName("still here", never))).toMatchObject({ kind: "token" });
    expect(await failure(server().homeserver.login(user.account, never))).toMatchObject({ kind: "forbidden" });
    const again = await server().homeserver.login({ ...user.account, password: "another password" }, never);
    expect(again.userId).toBe(user.userId);
  });

  it("gives a user power in a room, and lets it in again", async () => {
    const [owner, user] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner, user);
    const speak = () => user.client.sendState(room, "m.room.topic", "", { topic: "mine" }, never);
    expect(await failure(speak())).toMatchObject({ kind: "forbidden" });
    await admin.makeRoomAdmin(room, user.userId, never);
    await speak();

    await user.client.leave(room, never);
    await admin.makeRoomAdmin(room, user.userId, never);
    await user.client.join(room, never);
    await speak();
  });

  it("says that nobody of the homeserver has power in a room", async () => {
    const [owner, other] = [await newUser(server()), await newUser(server())];
    const room = await newRoom(owner, other);
    await owner.client.leave(room, never);
    expect(await failure(admin.makeRoomAdmin(room, other.userId, never))).toMatchObject({ kind: "refused" });
  });

  it("knows who the administrator is, and acts as that user", async () => {
    const session = await admin.session(never);
    const room = await server()
      .homeserver.as(session)
      .createRoom({ aliasLocalpart: `room-${randomUUID()}`, name: "A room" }, never);
    expect(await server().homeserver.as(session).state(room, "m.room.member", session.userId, never)).toMatchObject({
      membership: "join",
    });
  });
}

/** Where there is no admin API, whatever the token. */
export function noAdministrationContract(
  server: () => PortUnderContract,
  connect: (token: string) => HomeserverAdmin,
): void {
  it("says of each thing an administrator can do that the homeserver has no such endpoint", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const admin = connect(user.credentials.accessToken);
    for (const call of [
      admin.exists(user.userId, never),
      admin.liftRateLimits(user.userId, never),
      admin.resetPassword(user.userId, "another password", never),
      admin.makeRoomAdmin(room, user.userId, never),
    ])
      expect(await failure(call)).toMatchObject({ kind: "unsupported", errcode: "M_UNRECOGNIZED" });
    expect((await server().homeserver.login(user.account, never)).userId).toBe(user.userId);
  });
}

/** Whatever is asked with the token of somebody who is no administrator, or with none. */
export function notAdministrationContract(
  server: () => PortUnderContract,
  connect: (token: string) => HomeserverAdmin,
): void {
  it("says whose token is wrong, and never that the asker's own is", async () => {
    const user = await newUser(server());
    for (const token of [user.credentials.accessToken, "no-such-token"]) {
      const error = await failure(connect(token).liftRateLimits(user.userId, never));
      expect(error).toMatchObject({ kind: "forbidden" });
      expect(error.remedy).toMatch(/homeserver\.admin_token/);
      expect(`${error.message} ${error.remedy}`).not.toContain(token);
    }
  });
}
