import { afterEach, describe, expect, test } from "vitest";
import { AppserviceHomeserver } from "../../../src/matrix/appservice/homeserver.ts";
import { AppservicePushes } from "../../../src/matrix/appservice/pushes.ts";
import type { Sent } from "../../../src/matrix/port.ts";
import { answerJson, type OddServer, startOddServer } from "../odd-server.ts";

const asToken = "the-application-services-token";
const { signal } = new AbortController();
const message = { event_id: "$1", type: "m.room.message", sender: "@agent_1:test", content: {}, origin_server_ts: 1 };
const account = { localpart: "agent_1", password: "unused", deviceId: "LM1" };

let odd: OddServer | undefined;
let homeserver: AppserviceHomeserver | undefined;

afterEach(async () => {
  homeserver?.close();
  await odd?.stop();
});

/** Each path answers as it is told here; all else is empty. */
async function at(answers: Readonly<Record<string, readonly [number, object]>>): Promise<AppserviceHomeserver> {
  odd = await startOddServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "")
      .replace(/\?.*/, "")
      .replace(/.*\/(v1|v3)/, "");
    const [status, body] = answers[path] ?? [200, {}];
    answerJson(response, request.headers.authorization === `Bearer ${asToken}` ? status : 500, body);
  });
  homeserver = new AppserviceHomeserver({ baseUrl: odd.baseUrl, serverName: "test", asToken });
  return homeserver;
}

const asked = () => (odd?.requests ?? []).map(({ method, url }) => `${method} ${url.replace(/.*\/(v1|v3)/, "")}`);
const bodies = () => (odd?.requests ?? []).map(({ body }) => (body === "" ? undefined : JSON.parse(body)));

describe("an application service", () => {
  test("registers a user without a session, and gives it the device that it acts with", async () => {
    const subject = await at({
      "/register": [200, { user_id: "@agent_1:test" }],
      "/joined_rooms": [200, { joined_rooms: [] }],
    });
    const credentials = await subject.register(account, signal);
    expect(credentials).toMatchObject({ userId: "@agent_1:test", deviceId: "LM1" });
    expect(JSON.stringify(credentials)).not.toContain(asToken);
    expect(bodies()[0]).toEqual({ type: "m.login.application_service", username: "agent_1", inhibit_login: true });
    await subject.as(credentials).joinedRooms(signal);
    expect(asked()).toEqual([
      "POST /register",
      "PUT /devices/LM1?user_id=%40agent_1%3Atest",
      "GET /joined_rooms?user_id=%40agent_1%3Atest&device_id=LM1",
    ]);
  });

  test("tells what its users say, but not what was said long ago, and how old a message is", async () => {
    const said = "/rooms/!1:test/send/m.room.message/";
    await at({
      [`${said}1`]: [200, { event_id: "$1" }],
      [`${said}2`]: [200, { event_id: "$2" }],
      "/rooms/!1:test/event/$1": [200, { ...message, unsigned: { age: 7 } }],
      "/rooms/!1:test/event/$2": [200, message],
    });
    const sent: Sent[] = [];
    const baseUrl = odd?.baseUrl ?? "";
    homeserver?.close();
    homeserver = new AppserviceHomeserver({ baseUrl, serverName: "test", asToken, onSent: (one) => sent.push(one) });
    const client = homeserver.as({ userId: "@agent_1:test", deviceId: "LM1", accessToken: "" });
    await client.send("!1:test", "m.room.message", "1", {}, signal);
    await client.send("!1:test", "m.room.message", "2", {}, signal, 1);
    expect(sent).toEqual([{ userId: "@agent_1:test", roomId: "!1:test", eventId: "$1" }]);
    const ages = [await client.event("!1:test", "$1", signal), await client.event("!1:test", "$2", signal)];
    expect(ages.map((event) => event?.age)).toEqual([7, undefined]);
  });

  test("tells that a user exists, and then needs no password", async () => {
    const subject = await at({ "/register": [400, { errcode: "M_USER_IN_USE", error: "taken" }] });
    await expect(subject.register(account, signal)).rejects.toMatchObject({ kind: "taken" });
    expect(await subject.login(account, signal)).toMatchObject({ userId: "@agent_1:test", deviceId: "LM1" });
  });

  test("logs in for the device's sake where a homeserver makes none otherwise", async () => {
    const subject = await at({ "/devices/LM1": [404, { errcode: "M_NOT_FOUND", error: "no such device" }] });
    await subject.login(account, signal);
    expect(asked()).toEqual(["PUT /devices/LM1?user_id=%40agent_1%3Atest", "POST /login"]);
    expect(bodies()[1]).toMatchObject({ type: "m.login.application_service", device_id: "LM1" });
  });

  test("makes a device again that is gone, and waits for an operator where the registration is not known", async () => {
    const gone = {
      errcode: "M_UNKNOWN_DEVICE",
      error: "Application service trying to use a device that doesn't exist",
    };
    const credentials = { userId: "@agent_1:test", deviceId: "LM1", accessToken: "" };
    const one = await at({ "/joined_rooms": [400, gone] });
    await expect(one.as(credentials).joinedRooms(signal)).rejects.toMatchObject({ kind: "token" });
    await odd?.stop();
    const two = await at({ "/joined_rooms": [401, { errcode: "M_UNKNOWN_TOKEN", error: "unrecognised" }] });
    const error = await two
      .as(credentials)
      .joinedRooms(signal)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "unreachable", remedy: expect.stringContaining("registration") });
    expect(String(error)).not.toContain(asToken);
  });

  test("tells a homeserver without ping, and one that reached somebody else, from one that reached us", async () => {
    const pushesAt = async (answer: readonly [number, object]) =>
      new AppservicePushes({
        id: "letta-matrix",
        listen: "127.0.0.1:0",
        hsToken: "unused",
        api: (await at({ "/appservice/letta-matrix/ping": answer })).itself,
      });
    const without = await pushesAt([404, { errcode: "M_UNRECOGNIZED", error: "?" }]);
    await expect(without.ping(signal)).rejects.toMatchObject({ kind: "unsupported" });
    await odd?.stop();
    const elsewhere = await pushesAt([200, { duration_ms: 1 }]);
    await expect(elsewhere.ping(signal)).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringContaining("somebody else"),
    });
    await odd?.stop();
    const failing = await pushesAt([502, { errcode: "M_CONNECTION_FAILED", error: "refused" }]);
    await expect(failing.ping(signal)).rejects.toMatchObject({
      kind: "unreachable",
      remedy: expect.stringContaining("registration's url"),
    });
  });
});
