import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { failure, never, newAccount, newRoom, newUser, type PortUnderContract, type WithPeople } from "./server.ts";

/** What people do with what is their own. */
export function peopleContract(server: () => PortUnderContract & WithPeople): void {
  it("logs a person in on a device of its own, beside its other sessions", async () => {
    const user = await newUser(server());
    const session = await server().people.logIn(user.userId, user.account.password, "a device", never);
    expect(session.userId).toBe(user.userId);
    expect(session.deviceId).not.toBe(user.credentials.deviceId);
    expect(await server().people.ownerOf(user.credentials.accessToken, never)).toEqual(user.credentials);
    expect(await server().people.ownerOf(session.accessToken, never)).toEqual(session);
  });

  it("logs nobody in by a wrong password, nor a user that does not exist, and says no secret", async () => {
    const user = await newUser(server());
    const password = randomUUID();
    const wrong = await failure(server().people.logIn(user.userId, password, "a device", never));
    expect(wrong).toMatchObject({ kind: "forbidden" });
    expect(wrong.message).not.toContain(password);
    const nobody = `@${newAccount("nobody").localpart}:${server().homeserver.serverName}`;
    expect(await failure(server().people.logIn(nobody, password, "a device", never))).toMatchObject({
      kind: "forbidden",
    });
  });

  it("tells whose token it is, and that one is nobody's", async () => {
    const user = await newUser(server());
    const { accessToken } = user.credentials;
    expect(await server().people.ownerOf(accessToken, never)).toMatchObject({ userId: user.userId, accessToken });
    const nobody = `syt_${randomUUID()}`;
    const error = await failure(server().people.ownerOf(nobody, never));
    expect(error).toMatchObject({ kind: "token" });
    expect(error.message).not.toContain(nobody);
  });

  it("makes a room without an alias, as often as it is asked for", async () => {
    const user = await newUser(server());
    const wish = { name: "Twice" };
    const rooms = [await user.client.createRoom(wish, never), await user.client.createRoom(wish, never)];
    expect(new Set(rooms).size).toBe(2);
    expect(await user.client.state(rooms[0] ?? "", "m.room.name", "", never)).toEqual({ name: "Twice" });
    expect(await newRoom(user)).not.toBe(rooms[0]);
  });
}
