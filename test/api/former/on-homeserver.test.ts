import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { FailedLogins } from "../../../src/actors/guests/failed-logins.ts";
import { Guests } from "../../../src/actors/guests/guests.ts";
import { isAgentUser } from "../../../src/machines/addresses.ts";
import { ClientServerHomeserver } from "../../../src/matrix/client-server.ts";
import { SimulatedClock } from "../../runtime/simulated-clock.ts";
import { startHomeserver } from "../../servers/homeserver/start.ts";
import type { Synapse } from "../../servers/synapse.ts";
import { former } from "./harness.ts";

/** As an older client does it, which has a user of its own at the homeserver. */

const never = new AbortController().signal;
const account = { localpart: "anna", password: "canary-of-anna", deviceId: "HER-OWN" };
let folder: string;
let synapse: Synapse;
let homeserver: ClientServerHomeserver;
let guests: Guests;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "former-"));
  synapse = await startHomeserver("synapse", { dir: folder, rateLimits: "lifted" });
  const { baseUrl, serverName } = synapse;
  homeserver = new ClientServerHomeserver({
    baseUrl,
    serverName,
    registration: { kind: "shared-secret", secret: synapse.registrationSharedSecret },
  });
  await homeserver.register(account, never);
  await homeserver.register({ ...account, localpart: "agent_1" }, never);
  guests = new Guests({
    people: homeserver.people,
    homeserver,
    logins: new FailedLogins(new SimulatedClock()),
    isOurs: isAgentUser,
  });
}, 60_000);

afterAll(async () => {
  homeserver.close();
  await synapse.stop();
  await rm(folder, { recursive: true, force: true });
});

test("logs in, makes a room, sends into it, and reads what was said, all as itself", async () => {
  const { call, asked } = former({
    overHttp: true,
    guests,
    homeserver: { serverName: synapse.serverName, url: synapse.baseUrl },
  });
  const named = { homeserver: synapse.baseUrl };
  const login = await call("POST", "/login", {
    body: { ...named, user_id: `@anna:${synapse.serverName}`, password: account.password, device_name: "older client" },
  });
  const session = z.object({ success: z.literal(true), access_token: z.string() }).parse(login.body);
  const mine = { ...named, access_token: session.access_token };
  const made = await call("POST", "/create_room", { body: { ...mine, name: "Plans", topic: "What next" } });
  const { room_id } = z.object({ room_id: z.string() }).parse(made.body);
  for (const message of ["one", "two"])
    expect(await call("POST", "/send_message", { body: { ...mine, room_id, message } })).toMatchObject({
      status: 200,
      body: { success: true, event_id: expect.stringMatching(/^\$/) },
    });
  expect((await call("POST", "/messages/get", { body: { ...mine, room_id } })).body).toMatchObject({
    messages: [
      { sender: `@anna:${synapse.serverName}`, body: "two" },
      { sender: `@anna:${synapse.serverName}`, body: "one" },
    ],
  });
  const headers = { "x-access-token": session.access_token };
  const url = `/rooms/list?homeserver=${encodeURIComponent(synapse.baseUrl)}`;
  expect((await call("GET", url, { headers })).body).toMatchObject({ rooms: [{ room_id, room_name: "Plans" }] });
  expect((await call("GET", "/messages/recent?limit=1", { headers })).body).toMatchObject({
    messages: [{ room_id, room_name: "Plans", body: "two" }],
  });
  expect(asked).toEqual([]);
});

test("is let in by nobody's password or token, and not as an agent", async () => {
  const { call } = former({
    overHttp: true,
    guests,
    homeserver: { serverName: synapse.serverName, url: synapse.baseUrl },
  });
  const wrong = { user_id: "anna", password: "wrong" };
  expect(await call("POST", "/login", { body: wrong })).toMatchObject({ status: 401, body: { success: false } });
  const agent = { user_id: "agent_1", password: account.password };
  expect(await call("POST", "/login", { body: agent })).toMatchObject({ status: 403, body: { success: false } });
  expect((await call("GET", "/rooms/list", { headers: { "x-access-token": "syt_nobody" } })).status).toBe(401);
});

test("hears what the homeserver says no to, as it would have heard it there", async () => {
  const { call } = former({
    overHttp: true,
    guests,
    homeserver: { serverName: synapse.serverName, url: synapse.baseUrl },
  });
  const login = await call("POST", "/login", { body: { user_id: "anna", password: account.password } });
  const { access_token } = z.object({ access_token: z.string() }).parse(login.body);
  const send = (room_id: string, message: string) =>
    call("POST", "/messages/send", { body: { room_id, message, access_token } });
  expect(await send(`!nowhere:${synapse.serverName}`, "hello")).toMatchObject({ body: { success: false } });
  expect((await send(`!nowhere:${synapse.serverName}`, "hello")).status).toBeLessThan(500);
  const made = await call("POST", "/create_room", { body: { access_token, name: "Large" } });
  const { room_id } = z.object({ room_id: z.string() }).parse(made.body);
  expect(await send(room_id, "ü".repeat(60_000))).toMatchObject({ status: 400, body: { success: false } });
});
