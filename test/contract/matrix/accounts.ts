import { expect, it } from "vitest";
import { failure, never, newAccount, newUser, type PortUnderContract, type WithPeople } from "./server.ts";

export function accountsContract(server: () => PortUnderContract & WithPeople): void {
  it("registers a user under its display name, logged in on the device that was asked for", async () => {
    const account = { ...newAccount("agent"), displayName: "Agent Ünö 🎭" };
    const credentials = await server().homeserver.register(account, never);
    const userId = `@${account.localpart}:${server().homeserver.serverName}`;
    expect(credentials).toMatchObject({ userId, deviceId: account.deviceId });

    expect(await server().people.ownerOf(credentials.accessToken, never)).toEqual(credentials);
    const { displayName } = await server().homeserver.as(credentials).profile(userId, never);
    expect(displayName).toBe("Agent Ünö 🎭");
  });

  it("says that a user id is taken, and leaves its owner alone", async () => {
    const user = await newUser(server());
    const error = await failure(
      server().homeserver.register({ ...user.account, password: "another password", deviceId: "OTHER" }, never),
    );
    expect(error).toMatchObject({ kind: "taken", errcode: "M_USER_IN_USE" });
    expect(await server().people.ownerOf(user.credentials.accessToken, never)).toEqual(user.credentials);
    expect((await server().homeserver.login(user.account, never)).userId).toBe(user.userId);
  });

  it("logs in again on the same device", async () => {
    const user = await newUser(server());
    const again = await server().homeserver.login(user.account, never);
    expect(again).toMatchObject({ userId: user.userId, deviceId: user.account.deviceId });
    await server().homeserver.as(again).setDisplayName("new session", never);
    expect(await server().devicesOf({ ...user, credentials: again })).toEqual([user.account.deviceId]);
  });

  it("says that a session has ended", async () => {
    const user = await newUser(server());
    await server().homeserver.as(user.credentials).logOut(never);
    const error = await failure(user.client.setDisplayName("too late", never));
    expect(error).toMatchObject({ kind: "token", httpStatus: 401, errcode: "M_UNKNOWN_TOKEN" });
  });

  it("takes no upload of somebody whose session has ended", async () => {
    const user = await newUser(server());
    await server().homeserver.as(user.credentials).logOut(never);
    const upload = user.client.upload({ name: "x.txt", contentType: "text/plain", bytes: Buffer.from("x") }, never);
    expect(await failure(upload)).toMatchObject({ kind: "token" });
  });

  it("logs out, which leaves no device behind", async () => {
    const user = await newUser(server());
    const second = await server().homeserver.login({ ...user.account, deviceId: "ANOTHER" }, never);
    const client = server().homeserver.as(second);
    await client.logOut(never);
    expect(await failure(client.logOut(never))).toMatchObject({ kind: "token" });
    expect(await server().devicesOf(user)).toEqual([user.account.deviceId]);
  });

  it("does not log in with a wrong password, nor an unknown user", async () => {
    const user = await newUser(server());
    const wrong = await failure(server().homeserver.login({ ...user.account, password: "wrong" }, never));
    expect(wrong).toMatchObject({ kind: "forbidden", httpStatus: 403 });
    expect(wrong.remedy).toMatch(/instance secret/);
    expect(await failure(server().homeserver.login(newAccount("nobody"), never))).toMatchObject({ kind: "forbidden" });
  });

  it("says that a token is none, for whatever is asked with it", async () => {
    const user = await newUser(server());
    const client = server().homeserver.as({ ...user.credentials, accessToken: "no-such-token" });
    const filter = { timelineTypes: [], timelineLimit: 1, stateTypes: [] };
    for (const call of [
      () => client.sync({ timeoutMs: 30_000, filter }, never),
      () => client.send("!room:localhost", "m.room.message", "t1", { body: "x" }, never),
      () => client.join("!room:localhost", never),
    ]) {
      const error = await failure(call());
      expect(error).toMatchObject({ kind: "token", errcode: "M_UNKNOWN_TOKEN" });
      expect(error.message).not.toContain("no-such-token");
    }
  });

  it("changes a display name", async () => {
    const user = await newUser(server());
    await user.client.setDisplayName("Renamed / 100 % «ü»", never);
    expect(await user.client.profile(user.userId, never)).toMatchObject({ displayName: "Renamed / 100 % «ü»" });
  });
}
