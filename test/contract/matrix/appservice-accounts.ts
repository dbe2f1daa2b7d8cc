import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { AppserviceHomeserver } from "../../../src/matrix/appservice/homeserver.ts";
import type { AppserviceOddities } from "../../servers/homeserver/appservice/oddities.ts";
import { registerUser } from "../../servers/matrix-users.ts";
import { outsiderName, outsiderOf, type PushingServer } from "./on-appservice.ts";
import { ask, failure, history, never, newAccount, newRoom, newUser, sendText, type User } from "./server.ts";

/** How an application service makes its users and acts as them. */
export function appserviceAccountsContract(server: () => PushingServer, { masquerade }: AppserviceOddities): void {
  it("registers a user under its display name, with the device that was asked for", async () => {
    const account = { ...newAccount("agent"), displayName: "Agent Ünö 🎭" };
    const credentials = await server().homeserver.register(account, never);
    const userId = `@${account.localpart}:${server().homeserver.serverName}`;
    expect(credentials).toMatchObject({ userId, deviceId: account.deviceId });
    const user = { account, credentials, userId, client: server().homeserver.as(credentials) };
    expect(await ask(server(), user, "GET", "/account/whoami")).toMatchObject({
      status: 200,
      answer: { user_id: userId },
    });
    expect((await ask(server(), user, "GET", "/devices")).answer).toMatchObject({
      devices: [{ device_id: account.deviceId }],
    });
    expect((await user.client.profile(userId, never)).displayName).toBe("Agent Ünö 🎭");
  });

  it("says that a user id is taken, and logs its user in all the same, with no password", async () => {
    const user = await newUser(server());
    const again = { ...user.account, password: randomUUID() };
    expect(await failure(server().homeserver.register(again, never))).toMatchObject({ kind: "taken" });
    expect(await server().homeserver.login(again, never)).toEqual(user.credentials);
    await user.client.setDisplayName("still here", never);
  });

  it("makes a device again that is gone", async () => {
    const user = await newUser(server());
    await user.client.logOut(never);
    expect(await failure(user.client.setDisplayName("too late", never))).toMatchObject({ kind: "token" });
    const credentials = await server().homeserver.login(user.account, never);
    await server().homeserver.as(credentials).setDisplayName("in time", never);
  });

  it("neither makes nor acts as anybody outside of its namespace, and keeps others out of it", async () => {
    const { homeserver, synapse, registration } = server();
    const localpart = outsiderName();
    const account = { ...newAccount("x"), localpart };
    const refused = await failure(homeserver.register(account, never));
    expect(refused).toMatchObject({ errcode: "M_EXCLUSIVE", remedy: expect.stringContaining("namespaces") });
    const stranger = await registerUser(synapse, localpart);
    const client = homeserver.as({ ...stranger, deviceId: stranger.deviceId, accessToken: "" });
    const [httpStatus, errcode] = masquerade;
    const acting = await failure(client.joinedRooms(never));
    expect(acting).toMatchObject({ httpStatus, errcode, remedy: expect.stringContaining("namespaces") });
    await expect(registerUser(synapse, newAccount("agent").localpart)).rejects.toThrow(/M_EXCLUSIVE/);
    expect(`${refused.message} ${acting.message}`).not.toContain(registration.asToken);
  });

  it("gives rooms aliases of its namespace only, and keeps others from these", async () => {
    const { synapse } = server();
    const create = (aliasLocalpart: string, user: User) =>
      user.client.createRoom({ aliasLocalpart, name: "A room" }, never);
    const own = await newUser(server());
    expect(await failure(create(outsiderName(), own))).toMatchObject({ errcode: "M_EXCLUSIVE" });
    const stranger = await outsiderOf(synapse);
    expect(await failure(create(`room-${randomUUID()}`, stranger))).toMatchObject({ errcode: "M_EXCLUSIVE" });
    await create(`room-${randomUUID()}`, own);
    await create(outsiderName(), stranger);
  });

  it("waits for an operator where the homeserver does not know the application service", async () => {
    const { baseUrl, homeserver } = server();
    const user = await newUser(server());
    const other = new AppserviceHomeserver({ baseUrl, serverName: homeserver.serverName, asToken: "s3cret-token" });
    const error = await failure(other.as(user.credentials).joinedRooms(never));
    expect(error).toMatchObject({ kind: "unreachable", remedy: expect.stringContaining("registration") });
    expect(error.message).not.toContain("s3cret");
    other.close();
  });

  it("says when something was said, and nobody else does", async () => {
    const user = await newUser(server());
    const room = await newRoom(user);
    const at = Date.UTC(2024, 1, 29, 12);
    const content = { msgtype: "m.text", body: "long ago" };
    await user.client.send(room, "m.room.message", randomUUID(), content, never, at);
    await sendText(user, room, "now");
    const [old, now] = await history(user, room, ["m.room.message"]);
    expect(old?.originServerTs).toBe(at);
    expect(Date.now() - (now?.originServerTs ?? 0)).toBeLessThan(60_000);
  });
}
