import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AppservicePushes } from "../../../src/matrix/appservice/pushes.ts";
import type { AppserviceOddities } from "../../servers/homeserver/appservice/oddities.ts";
import { outsiderName, outsiderOf, type PushingServer } from "./on-appservice.ts";
import { failure, never, newRoom, newUser, sendText } from "./server.ts";

/** What an application service is told, and what becomes of it when it is not there. */
export function pushesContract(server: () => PushingServer, oddities: AppserviceOddities): void {
  beforeEach(async () => {
    await senderOf(server());
  });
  /** Listens, and has the homeserver know it. */
  const listening = async (): Promise<AppservicePushes> => {
    const pushes = await server().inbox.open();
    if (oddities.ping === "ends the wait") await pushes.ping(never);
    await sleep(server().noticing);
    return pushes;
  };
  afterEach(async () => {
    server().inbox.refuses = false;
    await server().inbox.close();
  });

  it("pushes what happens where our users are, in order and as it is, and nothing else", async () => {
    const { inbox } = server();
    await listening();
    const [user, other] = [await newUser(server()), await newUser(server())];
    const stranger = await outsiderOf(server().synapse);
    const room = await newRoom(user, other);
    const own = await stranger.client.createRoom({ aliasLocalpart: outsiderName(), name: "Nobody's" }, never);
    const aside = await sendText(stranger, own, "among ourselves");
    const said: string[] = [];
    for (let n = 0; n < 5; n++) said.push(await sendText(n % 2 === 0 ? user : other, room, `message ${n}`));
    const places = await inbox.until(said);
    expect([...places].sort((one, another) => one - another)).toEqual(places);
    const events = inbox.events.filter(({ roomId }) => roomId === room);
    expect(events.filter(({ eventId }) => said.includes(eventId))).toMatchObject(
      said.map((eventId, n) => ({
        eventId,
        type: "m.room.message",
        content: { msgtype: "m.text", body: `message ${n}` },
      })),
    );
    const joins = events.filter(({ type, content }) => type === "m.room.member" && content["membership"] === "join");
    expect(joins.map(({ stateKey }) => stateKey)).toEqual([user.userId, other.userId]);
    expect(inbox.events.some(({ eventId }) => eventId === aside)).toBe(false);
  });

  it("pushes an invitation of one of our users into a room of somebody else", async () => {
    const { inbox } = server();
    await listening();
    const [stranger, user] = [await outsiderOf(server().synapse), await newUser(server())];
    const room = await stranger.client.createRoom({ aliasLocalpart: outsiderName(), name: "Theirs" }, never);
    await stranger.client.invite(room, user.userId, never);
    await user.client.join(room, never);
    await inbox.until([await sendText(stranger, room, "welcome")]);
    const memberships = inbox.events.filter(({ roomId, stateKey }) => roomId === room && stateKey === user.userId);
    expect(memberships.map(({ content }) => content["membership"])).toEqual(["invite", "join"]);
  });

  it("pushes again what was refused, and loses nothing behind it", async () => {
    const { inbox } = server();
    await listening();
    const user = await newUser(server());
    const room = await newRoom(user);
    await inbox.until([await sendText(user, room, "before")]);
    inbox.refuses = true;
    const missed = [await sendText(user, room, "refused"), await sendText(user, room, "behind it")];
    await sleep(server().noticing);
    inbox.refuses = false;
    const next = await sendText(user, room, "the next event");
    const places = await inbox.until([...missed, next]);
    expect([...places].sort((one, another) => one - another)).toEqual(places);
  });

  it("pushes what happened while we were down, in its order", async () => {
    const { inbox } = server();
    const user = await newUser(server());
    const room = await newRoom(user);
    const missed: string[] = [];
    for (let n = 0; n < 5; n++) missed.push(await sendText(user, room, `missed ${n}`));
    await sleep(server().noticing);
    await listening();
    const next = await sendText(user, room, "the next event");
    await inbox.until([...missed, next]);
    expect(await inbox.until(missed)).toEqual([...(await inbox.until(missed))].sort((one, other) => one - other));
  });

  it("has us reached by a ping, and says so when nobody is there", async () => {
    const { inbox, registration, homeserver } = server();
    const pushes = await listening();
    if (oddities.ping === "none") {
      expect(await failure(pushes.ping(never))).toMatchObject({ kind: "unsupported" });
      return;
    }
    await pushes.ping(never);
    await inbox.close();
    const { id, hsToken } = registration;
    const elsewhere = new AppservicePushes({ id, hsToken, listen: "127.0.0.1:0", api: homeserver.itself });
    expect(await failure(elsewhere.ping(never))).toMatchObject({ kind: "unreachable" });
    await inbox.open();
    expect(await failure(elsewhere.ping(never))).toMatchObject({ message: expect.stringContaining("somebody else") });
  });
}

/** Some homeservers let the application service itself do nothing before it has an account. */
export async function senderOf({ baseUrl, registration }: PushingServer): Promise<Response> {
  return fetch(`${baseUrl}/_matrix/client/v3/register`, {
    method: "POST",
    headers: { authorization: `Bearer ${registration.asToken}` },
    body: JSON.stringify({
      type: "m.login.application_service",
      username: registration.senderLocalpart,
      inhibit_login: true,
    }),
  });
}
