import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import {
  type ClientServerConfig,
  ClientServerHomeserver,
  type ClientServerLimits,
} from "../../src/matrix/client-server.ts";
import { type MatrixClient, MatrixError } from "../../src/matrix/port.ts";
import { answerJson, type Handler, ManualTimers, type OddServer, refusingUrl, startOddServer } from "./odd-server.ts";

const never = new AbortController().signal;
const account = { localpart: "agent", password: "s3cret-password", deviceId: "DEV" };
const credentials = { userId: "@agent:test", deviceId: "DEV", accessToken: "s3cret-token" };
const filter = { timelineTypes: ["m.room.message"], timelineLimit: 10, stateTypes: [] };
const registration = { kind: "shared-secret", secret: "s3cret-shared" } as const;

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

interface Subject {
  readonly odd: OddServer;
  readonly homeserver: ClientServerHomeserver;
  readonly client: MatrixClient;
  readonly timers: ManualTimers;
}

async function subject(handler: Handler, limits: Partial<ClientServerLimits> = {}): Promise<Subject> {
  const odd = await startOddServer(handler);
  cleanUp.push(() => odd.stop());
  return { odd, ...at({ baseUrl: odd.baseUrl, serverName: "test", registration }, limits) };
}

function at(config: ClientServerConfig, limits: Partial<ClientServerLimits> = {}): Omit<Subject, "odd"> {
  const timers = new ManualTimers();
  const homeserver = new ClientServerHomeserver(config, { startTimer: timers.start, limits });
  cleanUp.push(() => homeserver.close());
  return { homeserver, client: homeserver.as(credentials), timers };
}

async function failure(call: Promise<unknown>): Promise<MatrixError> {
  const error = await call.then(
    (value) => new Error(`it succeeded with ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof MatrixError)) throw error;
  expect(error.remedy).toMatch(/^[A-Z].*\.$/);
  expect(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain("s3cret");
  return error;
}

function send(client: MatrixClient, body = "hello"): Promise<string> {
  return client.send("!room", "m.room.message", "txn", { body }, never);
}

type Answer = readonly [status: number, contentType: string, body: string];

function answering([status, contentType, body]: Answer): Handler {
  return (_request, response) => response.writeHead(status, { "content-type": contentType }).end(body);
}

const html = "<html><body>Bad Gateway</body></html>";
const matrix = (status: number, errcode: string, more: object = {}): Answer => [
  status,
  "application/json",
  JSON.stringify({ errcode, error: "what the server says", ...more }),
];

describe("a failed request", () => {
  it.each<[name: string, answer: Answer, kind: string]>([
    ["a proxy's 502", [502, "text/html", html], "unreachable"],
    ["a 503 without a body", [503, "text/plain", ""], "unreachable"],
    ["a 504 that says it is JSON", [504, "application/json", '{"errcode":"M_UNK'], "unreachable"],
    ["a 500 whose JSON is no object", [500, "application/json", "null"], "unreachable"],
    ["a 500 of the homeserver", matrix(500, "M_UNKNOWN"), "unreachable"],
    ["a 500 with a content type that is none", [500, ";;=", html], "unreachable"],
    ["a proxy's 501", [501, "text/html", html], "unreachable"],
    ["what the administrator has switched off", matrix(501, "M_UNKNOWN"), "unsupported"],
    ["a 408", [408, "text/plain", "Request Timeout"], "unreachable"],
    ["a proxy's 404", [404, "text/html", html], "malformed"],
    ["a 404 of something else that speaks JSON", [404, "application/json", '{"error":"Not Found"}'], "malformed"],
    ["a proxy's 401", [401, "text/html", html], "malformed"],
    ["a redirection", [302, "text/html", ""], "malformed"],
    ["a missing thing", matrix(404, "M_NOT_FOUND"), "missing"],
    ["a missing endpoint", matrix(404, "M_UNRECOGNIZED"), "unsupported"],
    ["a missing method", matrix(405, "M_UNRECOGNIZED"), "unsupported"],
    ["an unknown token", matrix(401, "M_UNKNOWN_TOKEN", { soft_logout: true }), "token"],
    ["a missing token", matrix(401, "M_MISSING_TOKEN"), "token"],
    ["a forbidden thing", matrix(403, "M_FORBIDDEN"), "forbidden"],
    ["a deactivated user", matrix(403, "M_USER_DEACTIVATED"), "forbidden"],
    ["a locked user", matrix(401, "M_USER_LOCKED", { soft_logout: true }), "forbidden"],
    ["a taken name", matrix(400, "M_USER_IN_USE"), "taken"],
    ["a reserved name", matrix(400, "M_EXCLUSIVE"), "refused"],
    ["a proxy's 413", [413, "text/html", html], "too-large"],
    ["a large event", matrix(413, "M_TOO_LARGE"), "too-large"],
    ["bad JSON", matrix(400, "M_BAD_JSON"), "refused"],
    ["anything else", matrix(400, "IO.TEST_UNKNOWN"), "refused"],
    ["an error code that is none", [400, "application/json", '{"errcode":7,"error":{}}'], "malformed"],
  ])("is sorted: %s", async (_name, answer, kind) => {
    const { client, timers } = await subject(answering(answer));
    const error = await failure(send(client));
    expect(error).toMatchObject({ kind, httpStatus: answer[0] });
    expect(error.message).toMatch(/^sending m\.room\.message into !room: /);
    expect(timers.running).toEqual([]);
  });

  it("is too large also where the server calls a large event bad JSON", async () => {
    const { client } = await subject(answering(matrix(400, "M_BAD_JSON")));
    expect(await failure(send(client, "x".repeat(65_000)))).toMatchObject({ kind: "too-large", errcode: "M_BAD_JSON" });
  });

  it.each<[name: string, headers: Record<string, string>, body: string, ms: number]>([
    ["in its body", {}, '{"errcode":"M_LIMIT_EXCEEDED","error":"","retry_after_ms":1234.5}', 1_235],
    ["in both", { "retry-after": "2" }, '{"errcode":"M_LIMIT_EXCEEDED","error":"","retry_after_ms":1234}', 1_234],
    ["in its header", { "retry-after": "7" }, '{"errcode":"M_LIMIT_EXCEEDED","error":""}', 7_000],
    ["in a proxy's header", { "retry-after": "7" }, html, 7_000],
    ["nowhere", {}, html, 5_000],
    ["as nonsense", { "retry-after": "soon" }, '{"errcode":"M_LIMIT_EXCEEDED","error":"","retry_after_ms":"x"}', 5_000],
    ["as a negative time", {}, '{"errcode":"M_LIMIT_EXCEEDED","error":"","retry_after_ms":-5}', 0],
    ["as no finite time", {}, '{"errcode":"M_LIMIT_EXCEEDED","error":"","retry_after_ms":1e999}', 5_000],
  ])("says how long to wait when the server does so %s", async (_where, headers, body, ms) => {
    const type = body.startsWith("{") ? "application/json" : "text/html";
    const { client } = await subject((_request, response) => {
      response.writeHead(429, { "content-type": type, ...headers }).end(body);
    });
    expect(await failure(send(client))).toMatchObject({ kind: "limited", httpStatus: 429, retryAfterMs: ms });
  });

  it("keeps what the homeserver said also where it means something else to us", async () => {
    const taken = await subject(answering(matrix(409, "M_UNKNOWN")));
    expect(await failure(taken.client.createAlias("#a:test", "!room", never))).toMatchObject({
      kind: "taken",
      httpStatus: 409,
      errcode: "M_UNKNOWN",
      cause: { kind: "refused" },
    });
    const { homeserver } = await subject(answering(matrix(401, "M_UNKNOWN_TOKEN")));
    expect(await failure(homeserver.administeredBy("s3cret-token").session(never))).toMatchObject({
      kind: "forbidden",
      httpStatus: 401,
      errcode: "M_UNKNOWN_TOKEN",
      remedy: expect.stringContaining("homeserver.admin_token"),
    });
  });

  it("is told without the token, where the homeserver quotes what it was shown", async () => {
    const { client } = await subject((request, response) => {
      const error = `you have shown ${request.headers.authorization}`;
      response
        .writeHead(403, { "content-type": "application/json" })
        .end(JSON.stringify({ errcode: "M_FORBIDDEN", error }));
    });
    expect((await failure(send(client))).message).toContain("you have shown Bearer [secret]");
  });

  it("is not quoted at length, nor with what would garble a log", async () => {
    const error = `\u001b[31mred\u001b[0m\r\nline two \u202e ${"x".repeat(10_000)}`;
    const { client } = await subject(answering(matrix(403, "M_FORBIDDEN", { error })));
    const { message } = await failure(send(client));
    expect(message).toMatch(/\[31mred \[0m line two x+$/);
    expect(message.length).toBeLessThan(500);
  });

  it("keeps the reason of a refused connection, and says where to look", async () => {
    const baseUrl = await refusingUrl();
    const { client } = at({ baseUrl, serverName: "test", registration });
    const error = await failure(send(client));
    expect(error).toMatchObject({ kind: "unreachable", cause: { cause: { code: "ECONNREFUSED" } } });
    expect(error.remedy).toContain(baseUrl);
  });

  it("says what to look at when HTTPS is asked of a server that does not speak it", async () => {
    const { odd } = await subject(() => {});
    const { client } = at({ baseUrl: odd.baseUrl.replace("http:", "https:"), serverName: "test", registration });
    const error = await failure(send(client));
    expect(error).toMatchObject({ kind: "unreachable" });
    expect(error.remedy).toContain("begin with http");
    await odd.deserted();
  });

  it("is the homeserver's when the answer stalls or is cut", async () => {
    const { client, odd, timers } = await subject((_request, response, n) => {
      response.writeHead(200, { "content-length": 100 }).write('{"event_id":');
      if (n === 2) response.socket?.end();
    });
    const stalled = failure(send(client));
    await odd.received(1);
    timers.expire();
    expect(await stalled).toMatchObject({
      kind: "unreachable",
      isTooMuch: true,
      cause: { failure: "time-limit" },
    });
    expect(await failure(send(client))).toMatchObject({
      kind: "unreachable",
      isTooMuch: false,
      cause: { failure: "connection" },
    });
  });

  it("gives a poll the time it was asked to take, and more", async () => {
    const { client, odd, timers } = await subject(() => {}, { commandMs: 11, pollGraceMs: 22 });
    const polls = failure(client.sync({ timeoutMs: 30_000, filter }, never));
    await odd.received(1);
    expect(timers.running).toEqual([30_022]);
    const sent = failure(send(client));
    await odd.received(2);
    expect(timers.running).toEqual([30_022, 11]);
    timers.expire();
    expect(await polls).toMatchObject({ kind: "unreachable" });
    expect(await sent).toMatchObject({ kind: "unreachable" });
  });

  it("is no MatrixError when it was the caller who stopped it", async () => {
    const { client, odd, timers } = await subject((_request, response) => {
      response.writeHead(200, { "content-length": 100 }).write("{");
    });
    const stop = new AbortController();
    const answer = client.sync({ timeoutMs: 30_000, filter }, stop.signal);
    await odd.received(1);
    stop.abort();
    await expect(answer).rejects.toBe(stop.signal.reason);
    expect(timers.running).toEqual([]);
    await odd.deserted();
  });
});

describe("an answer that is none", () => {
  const session = JSON.stringify({ user_id: "@agent:test", device_id: "DEV", access_token: "s3cret-new-token" });

  it.each([
    ["a page", html],
    ["nothing", ""],
    ["a cut session", session.slice(0, -5)],
    ["a session with something behind it", `${session}, {`],
    ["null", "null"],
    ["a list", "[]"],
    ["a text", '"ok"'],
    ["a session without a token", '{"user_id":"@agent:test","device_id":"DEV"}'],
    ["a session with an empty token", '{"user_id":"@agent:test","device_id":"DEV","access_token":""}'],
    ["a session with wrong types", '{"user_id":7,"device_id":[],"access_token":{"s3cret":1}}'],
  ])("is malformed, and not quoted: %s", async (_name, body) => {
    const { homeserver, client, timers } = await subject(answering([200, "application/json", body]));
    expect(await failure(homeserver.login(account, never))).toMatchObject({ kind: "malformed" });
    expect(await failure(send(client))).toMatchObject({ kind: "malformed" });
    expect(await failure(client.sync({ timeoutMs: 0, filter }, never))).toMatchObject({ kind: "malformed" });
    expect(timers.running).toEqual([]);
  });

  it("is malformed when it is larger than this process wants to hold (#45)", async () => {
    const body = JSON.stringify({ next_batch: "x".repeat(2_000) });
    const { client } = await subject(answering([200, "application/json", body]), { maxBodyBytes: 1_000 });
    const error = await failure(client.sync({ timeoutMs: 0, filter }, never));
    expect(error).toMatchObject({ kind: "malformed", isTooMuch: true });
  });

  it("is another user's session", async () => {
    const stranger = session.replace("@agent:test", "@agent:elsewhere");
    const { homeserver } = await subject(answering([200, "application/json", stranger]));
    expect(await failure(homeserver.login(account, never))).toMatchObject({ kind: "malformed" });
  });

  it.each<[name: string, answer: Answer]>([
    ["5xx", [503, "text/plain", ""]],
    ["429", matrix(429, "M_LIMIT_EXCEEDED")],
    ["a proxy's 404", [404, "text/html", html]],
    ["403", matrix(403, "M_FORBIDDEN")],
  ])("#13 is never read as «there is none»: %s", async (_name, answer) => {
    const { client } = await subject(answering(answer));
    await failure(client.resolveAlias("#a:test", never));
    await failure(client.state("!room", "m.room.name", "", never));
  });
});

describe("a path", () => {
  it.each([".", "..", ""])("is not built from %j", async (odd) => {
    const { client, odd: server } = await subject((_request, response) => answerJson(response, 200, {}));
    for (const call of [
      () => client.send(odd, "m.room.message", "t", {}, never),
      () => client.sendState(odd, "type", "", {}, never),
      () => client.send("!room", odd, "t", {}, never),
      () => client.join(odd, never),
      () => client.resolveAlias(odd, never),
      () => client.receipt("!room", odd, never),
    ]) {
      expect(await failure(call())).toMatchObject({ kind: "refused" });
    }
    expect(server.requests).toEqual([]);
  });

  it("has each value as one segment, whatever is in it", async () => {
    const { client, odd } = await subject((_request, response) => answerJson(response, 200, { event_id: "$1" }));
    await client.sendState("!a/../b?c#d", "t/%2e", "k\\\n\ud800", {}, never);
    await client.sendState("!room", "type", "", {}, never);
    expect(odd.requests.map(({ url }) => url)).toEqual([
      "/_matrix/client/v3/rooms/!a%2F..%2Fb%3Fc%23d/state/t%2F%252e/k%5C%0A%EF%BF%BD",
      "/_matrix/client/v3/rooms/!room/state/type/",
    ]);
  });
});
