import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { problem } from "../../src/api/problem.ts";
import { scopes } from "../../src/commands/access/principal.ts";
import type { BoundCommand } from "../../src/commands/command.ts";
import { KeyForgotten, KeyTaken } from "../../src/commands/messages/naming.ts";
import { MatrixError } from "../../src/matrix/port.ts";
import { StoreUnavailable } from "../../src/runtime/embedded/store/unavailable.ts";
import { HostStopped, MailboxFull } from "../../src/runtime/host.ts";
import { installation } from "./installation.ts";
import { type Answered, raw, type Served, type ServedOptions, serve } from "./served.ts";

let api: Served | undefined;
afterEach(() => api?.stop());

async function started(options?: ServedOptions): Promise<Served> {
  api = await serve(options);
  return api;
}

/** Each refusal says what to do, and names the request. */
function told({ status, headers, body }: Answered): readonly [number, string] {
  expect(headers["content-type"]).toMatch(/^application\/problem\+json/);
  const said = problem.parse(body);
  expect(said).toMatchObject({ status, request_id: headers["x-request-id"] });
  expect(said.remedy).toMatch(/\.$/);
  return [status, said.detail];
}

/** A listing of the agents that fails so. */
function failing(error: Error): ServedOptions {
  const { host, ...rest } = installation();
  return { context: { ...rest, host: { ...host, ask: () => Promise.reject(error) } } };
}

describe("bad input", () => {
  test.each([
    ["POST", "/api/v1/tokens", { name: "x", scopes: ["agents:read"], colour: "red" }, "colour"],
    ["POST", "/api/v1/tokens", { name: "x", scopes: ["everything"] }, "scopes"],
    ["POST", "/api/v1/tokens", { name: "x", scopes: Array.from({ length: 9 }, () => "agents:read") }, "scopes"],
    ["POST", "/api/v1/tokens", { name: "x".repeat(101), scopes: ["agents:read"] }, "name"],
    ["POST", "/api/v1/tokens", ["x"], "object"],
    ["POST", "/api/v1/dead-letters/1/drop", { id: "2", reason: "spam" }, "id"],
    ["GET", "/api/v1/agents?limit=0", undefined, "limit"],
    ["GET", "/api/v1/agents?limit=1001", undefined, "limit"],
    ["GET", "/api/v1/agents?limit=ten", undefined, "limit"],
    ["GET", "/api/v1/agents?limit=1&limit=2", undefined, "limit"],
    ["GET", "/api/v1/agents?colour=red", undefined, "colour"],
    ["GET", "/api/v1/audit?limit=201", undefined, "limit"],
    ["GET", "/api/v1/audit?cursor=x", undefined, "cursor"],
    ["POST", "/api/v1/rooms/!a:b/messages", { text: "x", mentions: [`@${"m".repeat(255)}:b`] }, "mentions.0"],
    ["DELETE", "/api/v1/tokens/0123", { id: "4567" }, "body"],
    ["POST", "/api/v1/rooms/!a:b/messages?text=q", { text: "x" }, "query"],
    ["POST", "/api/v1/agents/Scout/pause?reason=q", undefined, "query"],
    ["PUT", "/api/v1/rooms/!a:b/messages/$c?key=q", { text: "x" }, "query"],
  ])("%s %s %j is refused, and %s is named", async (method, path, body, named) => {
    const { ask, tokenFor } = await started();
    const token = await tokenFor(scopes);
    const answered = await ask(method, path, { token, ...(body !== undefined && { body }) });
    expect(told(answered)).toEqual([400, expect.stringContaining(named)]);
  });

  test("a key in a header is refused, instead of the same being done twice", async () => {
    const { ask, tokenFor } = await started();
    const headers = { "idempotency-key": "report-17" };
    const asked = { token: await tokenFor(scopes), headers, body: { text: "x" } };
    expect(told(await ask("POST", "/api/v1/rooms/!a:b/messages", asked))).toEqual([
      400,
      expect.stringContaining("`key`"),
    ]);
  });

  test("a body that is not JSON is refused, and not quoted", async () => {
    const { ask, tokenFor } = await started();
    const token = await tokenFor(scopes);
    const broken = await ask("POST", "/api/v1/tokens", { token, body: '{"name": "canary' });
    expect(told(broken)[0]).toBe(400);
    expect(broken.text).not.toContain("canary");
    const headers = { "content-type": "text/plain" };
    expect(told(await ask("POST", "/api/v1/tokens", { token, headers, body: "name" }))[0]).toBe(415);
  });

  test("a body that is too large is refused before it is read", async () => {
    const { ask, tokenFor } = await started();
    const body = { name: "x".repeat(256 * 1024), scopes: ["agents:read"] };
    expect(told(await ask("POST", "/api/v1/tokens", { token: await tokenFor(scopes), body }))[0]).toBe(413);
  });

  test.each([
    ["CANARY\r\n\r\n", 400],
    ["GET /api/v1/canary HTTP/9\r\n\r\n", 400],
    ["GET /api/v1/agents HTTP/1.1\r\nHost: localhost\r\ncanary header\r\n\r\n", 400],
    [`GET /api/v1/agents HTTP/1.1\r\nHost: localhost\r\ncanary: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    [`GET /api/v1/agents?${"canary".repeat(4_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
  ])("what is no HTTP is refused like all else, not quoted, and its connection is closed: %#", async (sent, status) => {
    const { port } = await started();
    const answered = await raw(port, sent);
    expect(told(answered)[0]).toBe(status);
    expect(answered.text).not.toContain("canary");
    expect(answered.headers).toMatchObject({ connection: "close", "cache-control": "no-store" });
  });

  test("who does not say whom it calls is told what to do", async () => {
    const { port } = await started();
    const answered = await raw(port, "GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n");
    expect(told(answered)[0]).toBe(400);
    expect(answered.body).toMatchObject({ remedy: "Send the header Host." });
  });

  test("a path that is none is told of as such", async () => {
    const { ask } = await started();
    expect(told(await ask("GET", "/api/v1/kettles"))[0]).toBe(404);
    expect(told(await ask("GET", "/"))[0]).toBe(404);
    expect(told(await ask("GET", "/api/v1/agents/%"))[0]).toBe(400);
  });

  test("a path that is too long says what to do, as whatever else the server itself does not take", async () => {
    const { ask, tokenFor } = await started({
      parts: [
        (server) => {
          server.get("/teapot", () => {
            throw Object.assign(new Error("canary"), { statusCode: 418 });
          });
        },
      ],
    });
    const token = await tokenFor(scopes);
    const long = await ask("GET", `/api/v1/agents/${"x".repeat(1_200)}`, { token });
    expect([told(long), long.body["title"]]).toEqual([[414, "The path is too long."], "URI Too Long"]);
    const other = await ask("GET", "/teapot");
    expect(told(other)[0]).toBe(418);
    expect(other.text).not.toContain("canary");
  });

  test("what is not there is told of as such", async () => {
    const { ask, tokenFor } = await started();
    const token = await tokenFor(scopes);
    expect(told(await ask("GET", "/api/v1/agents/Nobody", { token }))[0]).toBe(404);
    expect(told(await ask("DELETE", "/api/v1/tokens/0123", { token }))[0]).toBe(404);
  });
});

describe("what could not be done", () => {
  test.each([
    ["the store takes nothing", new StoreUnavailable("closed", "the disk is full", "Make room.")],
    ["the process is about to end", new HostStopped()],
    ["an actor has too much to do", new MailboxFull("example.org/discovery/letta")],
  ])("is 503 when %s", async (_, error) => {
    const { ask, tokenFor } = await started(failing(error));
    expect(told(await ask("POST", "/api/v1/discovery/run", { token: await tokenFor(scopes) }))).toEqual([
      503,
      error.message,
    ]);
  });

  test("is 500 when nobody expects it, which only the log explains", async () => {
    const { ask, tokenFor, logged } = await started(failing(new TypeError("canary at line 7")));
    const answered = await ask("POST", "/api/v1/discovery/run", { token: await tokenFor(scopes) });
    expect(told(answered)[0]).toBe(500);
    expect(answered.text).not.toContain("canary");
    expect(logged).toMatchObject([{ requestId: answered.headers["x-request-id"], route: "/api/v1/discovery/run" }]);
  });

  test.each([new KeyTaken(), new KeyForgotten()])("is 409 when the key is used up: $message", async (error) => {
    const { ask, tokenFor } = await started(failing(error));
    const answered = await ask("POST", "/api/v1/discovery/run", { token: await tokenFor(scopes) });
    expect(told(answered)).toEqual([409, error.message]);
  });

  test("is 422 when the homeserver does not take it as it is: that is the caller's to mend", async () => {
    const refused = new MatrixError("refused", "the cursor is none of this homeserver", { remedy: "Begin anew." });
    const { ask, tokenFor } = await started(failing(refused));
    const answered = await ask("POST", "/api/v1/discovery/run", { token: await tokenFor(scopes) });
    expect(told(answered)).toEqual([422, "the cursor is none of this homeserver"]);
  });

  test("is told with the time to wait, where one is known", async () => {
    const limited = Object.assign(new Error("the homeserver wants a pause"), {
      name: "MatrixError",
      remedy: "Wait.",
      retryAfterMs: 1_500,
    });
    const { ask, tokenFor } = await started(failing(limited));
    const answered = await ask("POST", "/api/v1/discovery/run", { token: await tokenFor(scopes) });
    expect([told(answered)[0], answered.headers["retry-after"]]).toEqual([502, "2"]);
  });
});

describe("who may call from where", () => {
  const health = "/health/live";

  test.each(["127.0.0.1", "127.0.0.1:8290", "localhost:8290", "[::1]:8290", "Agents.example.org", "10.0.0.7"])(
    "the name %s is ours",
    async (host) => {
      const { ask } = await started({ allowedHosts: ["agents.example.org"] });
      expect((await ask("GET", health, { headers: { host } })).status).toBe(200);
    },
  );

  test.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:8290",
    "agents.example.org@evil.example",
  ])("the name %s is not: somebody may have pointed it here", async (host) => {
    const { ask } = await started({ allowedHosts: ["agents.example.org"] });
    expect(told(await ask("GET", health, { headers: { host } }))[0]).toBe(403);
  });

  test("a web page may call only when it is let in", async () => {
    const { ask, tokenFor } = await started({ allowedOrigins: ["https://console.example.org"] });
    const token = await tokenFor(["agents:read"]);
    const from = async (origin: string) => (await ask("GET", "/api/v1/agents", { token, headers: { origin } })).status;
    expect(await from("https://console.example.org")).toBe(200);
    for (const origin of ["https://evil.example", "null", "http://console.example.org", "http://127.0.0.1:8290"])
      expect(await from(origin), origin).toBe(403);
  });
});

describe("too many requests", () => {
  test("are refused to that token alone, with the time to wait", async () => {
    const { ask, tokenFor } = await started({ ratePerMinute: 2 });
    const [busy, calm] = [await tokenFor(["agents:read"]), await tokenFor(["agents:read"])];
    for (const status of [200, 200]) expect((await ask("GET", "/api/v1/agents", { token: busy })).status).toBe(status);
    const refused = await ask("GET", "/api/v1/agents", { token: busy });
    expect(told(refused)[0]).toBe(429);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect((await ask("GET", "/api/v1/agents", { token: calm })).status).toBe(200);
    expect((await ask("GET", "/health/live")).status).toBe(200);
  });
});

test("a caller that goes away takes its call with it", async () => {
  const begun = Promise.withResolvers<AbortSignal>();
  const gone = Promise.withResolvers<void>();
  const slow: BoundCommand = {
    name: "rooms",
    summary: "Never ends by itself.",
    guidance: "None.",
    scope: "rooms:read",
    changes: false,
    input: z.strictObject({}),
    output: z.strictObject({}),
    execute(_, { signal }) {
      begun.resolve(signal);
      signal.addEventListener("abort", () => gone.resolve());
      return gone.promise;
    },
  };
  const { port, tokenFor } = await started({ commands: [slow] });
  const caller = new AbortController();
  const asked = fetch(`http://127.0.0.1:${port}/api/v1/rooms`, {
    headers: { authorization: `Bearer ${await tokenFor(["rooms:read"])}` },
    signal: caller.signal,
  });
  const signal = await begun.promise;
  caller.abort();
  await expect(asked).rejects.toThrow();
  await gone.promise;
  expect(signal.aborted).toBe(true);
});
