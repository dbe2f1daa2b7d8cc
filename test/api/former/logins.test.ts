import { describe, expect, test } from "vitest";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { bearer, botUserId, former, keyed, secrets } from "./harness.ts";

const body = { homeserver: "test", user_id: "@anna:test", password: secrets.password, device_name: "old client" };

function withAnna(...given: Parameters<typeof former>) {
  const routes = former(...given);
  routes.homeserver.passwords.set("@anna:test", secrets.password);
  return routes;
}

describe("/login", () => {
  test("gives the caller its own token, by its user id or its localpart", async () => {
    const { call, homeserver } = withAnna();
    for (const user_id of ["@anna:test", "anna"]) {
      const session = await call("POST", "/login", { body: { ...body, user_id } });
      expect(session).toMatchObject({
        status: 200,
        body: { success: true, user_id: "@anna:test", device_id: "another device" },
      });
      expect(session.headers["cache-control"]).toBe("no-store");
      const token = Reflect.get(Object(session.body), "access_token");
      expect(homeserver.sessions.find(({ accessToken }) => accessToken === token)?.userId).toBe("@anna:test");
    }
    expect(homeserver.requests).toMatchObject([{ call: "logIn", args: ["old client"] }, { call: "logIn" }]);
  });

  test.each(["@agent_1:test", "@AGENT_1:test", "agent_1", botUserId])("lets nobody in as %s", async (user_id) => {
    const { call, homeserver } = former();
    for (const ours of ["@agent_1:test", botUserId]) homeserver.passwords.set(ours, secrets.password);
    expect(await call("POST", "/login", { body: { ...body, user_id } })).toMatchObject({
      status: 403,
      body: { success: false },
    });
    expect(homeserver.sessions).toEqual([]);
  });

  test("a session of ours that a homeserver gives for another spelling ends at once", async () => {
    const { call, homeserver, people } = former();
    homeserver.passwords.set("@agent_1:test", secrets.password);
    people.spellings.set("@=61gent_1:test", "@agent_1:test");
    expect((await call("POST", "/login", { body: { ...body, user_id: "@=61gent_1:test" } })).status).toBe(403);
    expect(homeserver.sessions).toEqual([]);
  });

  test("knows one homeserver", async () => {
    const { call, homeserver } = withAnna();
    for (const wrong of [{ homeserver: "https://evil.example" }, { user_id: "@anna:elsewhere" }])
      expect(await call("POST", "/login", { body: { ...body, ...wrong } })).toMatchObject({ status: 400 });
    expect(homeserver.requests).toEqual([]);
  });

  test("says the same of a wrong password and of nobody, and refuses whoever guesses on", async () => {
    const { call, clock } = withAnna();
    const wrong = { ...body, password: "guess" };
    const first = await call("POST", "/login", { body: wrong });
    expect(first).toMatchObject({ status: 401, body: { success: false } });
    expect((await call("POST", "/login", { body: { ...wrong, user_id: "@nobody:test" } })).body).toEqual(first.body);
    for (let guess = 0; guess < 9; guess++) await call("POST", "/login", { body: wrong });
    const late = await call("POST", "/login", { body });
    expect(late).toMatchObject({ status: 429, body: { success: false } });
    expect(Number(late.headers["retry-after"])).toBeGreaterThan(800);
    clock.advance(15 * 60_000);
    expect((await call("POST", "/login", { body })).status).toBe(200);
  });

  test("asking for many at once gains nothing, and neither does another user's name", async () => {
    const { call, homeserver } = withAnna();
    const guesses = Array.from({ length: 50 }, (_, index) =>
      call("POST", "/login", { body: { ...body, password: `guess ${index}` } }),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(40);
    for (let user = 0; user < 40; user++)
      await call("POST", "/login", { body: { ...body, user_id: `@user${user}:test` } });
    expect(homeserver.count("logIn")).toBe(30);
  });

  test("a homeserver in trouble is nobody's wrong password", async () => {
    const { call, homeserver } = withAnna();
    homeserver.fail("logIn", matrixError("unreachable"), 20);
    for (let attempt = 0; attempt < 20; attempt++) expect((await call("POST", "/login", { body })).status).toBe(503);
    expect((await call("POST", "/login", { body })).status).toBe(200);
  });
});

describe("/login/auto", () => {
  test("gives a token of letta-matrix for the former routes, for a day, and the same one for a while", async () => {
    const { call, wishes, clock, asked } = former();
    const { status, body } = await call("GET", "/login/auto", { headers: keyed });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { success: true, access_token: "issued-1", user_id: botUserId },
    });
    expect(wishes).toEqual([
      {
        name: "login/auto",
        scopes: ["messages:read", "messages:send", "rooms:read", "rooms:write"],
        expiresAt: clock.now() + 24 * 3_600_000,
      },
    ]);
    const sent = { room_id: "!one:test", message: "hello", access_token: "issued-1" };
    expect((await call("POST", "/messages/send", { body: sent })).status).toBe(200);
    expect(asked).toMatchObject([
      { name: "tokens.create", principal: { name: "internal key" } },
      { principal: { name: "login/auto" } },
    ]);
    const again = await Promise.all([1, 2, 3].map(() => call("GET", "/login/auto", { headers: keyed })));
    for (const one of again) expect(one.body).toMatchObject({ access_token: "issued-1" });
    clock.advance(12 * 3_600_000);
    const later = await Promise.all([1, 2, 3].map(() => call("GET", "/login/auto", { headers: keyed })));
    for (const one of later) expect(one.body).toMatchObject({ access_token: "issued-2" });
  });

  test("gives another one when that was revoked", async () => {
    const { call, tokens } = former();
    await call("GET", "/login/auto", { headers: keyed });
    tokens.delete("issued-1");
    expect((await call("GET", "/login/auto", { headers: keyed })).body).toMatchObject({ access_token: "issued-2" });
  });

  test("is for the internal key, or for everybody where that is so", async () => {
    const { call, wishes } = former();
    expect((await call("GET", "/login/auto", {})).status).toBe(401);
    expect((await call("GET", "/login/auto", { headers: bearer })).status).toBe(403);
    expect(wishes).toEqual([]);
    const open = former({ access: { legacyOpen: true } });
    expect((await open.call("GET", "/login/auto", {})).status).toBe(200);
  });
});
