import { describe, expect, test } from "vitest";
import { isLoopback, openProblem } from "../../../src/api/exposure.ts";
import type { Scope } from "../../../src/commands/access/principal.ts";
import { bearer, former, keyed } from "./harness.ts";

const routes: readonly (readonly ["GET" | "POST", string, object | undefined, Scope])[] = [
  ["POST", "/messages/send", { room_id: "!one:test", message: "x" }, "messages:send"],
  ["POST", "/send_message", { room_id: "!one:test", message: "x" }, "messages:send"],
  ["POST", "/messages/get", { room_id: "!one:test" }, "messages:read"],
  ["POST", "/get_messages", { room_id: "!one:test" }, "messages:read"],
  ["GET", "/rooms/list", undefined, "rooms:read"],
  ["GET", "/list_rooms", undefined, "rooms:read"],
  ["POST", "/create_room", { name: "x" }, "rooms:write"],
  ["GET", "/agents/mappings", undefined, "agents:read"],
  ["GET", "/agents/agent-1/room", undefined, "agents:read"],
  ["GET", "/health/agent-provisioning", undefined, "agents:read"],
  ["POST", "/webhook/new-agent", { agent_id: "agent-9" }, "admin:control"],
  ["POST", "/conversations/register", { agent_id: "agent-1" }, "messages:send"],
];

describe.each(routes)("%s %s", (method, url, body, scope) => {
  const given = (headers: Record<string, string>) => ({ headers, ...(body !== undefined && { body }) });

  test("asks for a token or the internal key", async () => {
    const { call, asked } = former();
    for (const headers of [
      {},
      { authorization: "Bearer wrong" },
      { authorization: "Basic YTpi" },
      { "x-internal-key": "wrong" },
      { "x-access-token": "nobody's" },
    ])
      expect(await call(method, url, given(headers))).toMatchObject({ status: 401, body: { success: false } });
    expect(asked).toEqual([]);
  });

  test("serves a token that has the scope, and the internal key", async () => {
    const { call, tokens } = former();
    tokens.set("scoped", { name: "scoped", scopes: new Set([scope]) });
    expect((await call(method, url, given({ authorization: "Bearer scoped" }))).status).toBe(200);
    expect((await call(method, url, given(keyed))).status).toBe(200);
  });

  test("refuses a token without the scope", async () => {
    const { call, tokens, asked } = former();
    const all = [
      "messages:read",
      "messages:send",
      "rooms:read",
      "rooms:write",
      "agents:read",
      "admin:control",
    ] as const;
    tokens.set("other", { name: "other", scopes: new Set(all.filter((one) => one !== scope)) });
    expect(await call(method, url, given({ authorization: "Bearer other" }))).toMatchObject({
      status: 403,
      body: { success: false },
    });
    expect(asked).toEqual([]);
  });

  test("is open to this machine where the configuration says so, and to nobody behind a proxy that says so", async () => {
    const { call } = former({ access: { legacyOpen: true } });
    for (const host of ["localhost:8290", "127.0.0.1:8290", "[::1]:8290"])
      expect((await call(method, url, given({ host }))).status).toBe(200);
    for (const name of ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via"])
      expect((await call(method, url, given({ [name]: "203.0.113.7" }))).status, name).toBe(401);
    for (const host of ["203.0.113.7", "10.0.0.7:8290", "[2001:db8::7]:8290"])
      expect((await call(method, url, given({ host }))).status, host).toBe(401);
  });

  test("shows a wrong secret the door, also where it is open", async () => {
    const { call } = former({ access: { legacyOpen: true } });
    expect((await call(method, url, given({ authorization: "Bearer wrong" }))).status).toBe(401);
    expect((await call(method, url, given({ "x-internal-key": "wrong" }))).status).toBe(401);
  });
});

test("a key is good for nothing where none is configured", async () => {
  const { server } = former();
  await server.close();
  const { call } = former({ access: { internalKey: "" } });
  expect((await call("GET", "/rooms/list", { headers: { "x-internal-key": "x" } })).status).toBe(401);
});

test("a token that is revoked is not good any more", async () => {
  const { call, tokens } = former();
  expect((await call("GET", "/rooms/list", { headers: bearer })).status).toBe(200);
  tokens.clear();
  expect((await call("GET", "/rooms/list", { headers: bearer })).status).toBe(401);
});

test("everybody is let in on this machine's own addresses only", () => {
  for (const address of ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"]) {
    expect(isLoopback(address)).toBe(true);
    expect(openProblem(address, true)).toBeUndefined();
  }
  for (const address of ["0.0.0.0", "::", "192.168.1.4", "example.org", "127.0.0.1.example.org", ""]) {
    expect(isLoopback(address)).toBe(false);
    expect(openProblem(address, true)).toMatch(/without a token/);
    expect(openProblem(address, false)).toBeUndefined();
  }
});
