import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { scopes } from "../../src/commands/access/principal.ts";
import { Catalogue } from "../../src/mcp/catalogue.ts";
import { Listening } from "../../src/mcp/listening.ts";
import { OpenReplies } from "../../src/mcp/open-replies.ts";
import { interestsOf } from "../../src/mcp/server.ts";
import { type Served, serve } from "../api/served.ts";

/** How many sessions, or streams, one token may have. */
const most = 200;

// Hundreds of requests, one after the other.
vi.setConfig({ testTimeout: 60_000 });

let served: Served;
let gone: AbortController;

beforeEach(async () => {
  gone = new AbortController();
  served = await serve({ mcp: true });
});

afterEach(async () => {
  gone.abort();
  await served.stop();
});

const accept = "application/json, text/event-stream";
const list = { jsonrpc: "2.0", id: 2, method: "tools/list" };

describe("the sessions of one token", () => {
  const initialize = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
  };
  const request = (token: string, init: RequestInit, session?: string, path = "/mcp") =>
    fetch(`http://127.0.0.1:${served.port}${path}`, {
      ...init,
      signal: gone.signal,
      headers: {
        accept,
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        ...(session !== undefined && { "mcp-session-id": session }),
      },
    });
  const begin = async (token: string, path?: string): Promise<string> => {
    // In this order they are idle for longest.
    served.clock.advance(1);
    const answer = await request(token, { method: "POST", body: JSON.stringify(initialize) }, undefined, path);
    await answer.text();
    return answer.headers.get("mcp-session-id") ?? "";
  };
  const statusOf = async (token: string, session: string, path?: string): Promise<number> => {
    const answer = await request(token, { method: "POST", body: JSON.stringify(list) }, session, path);
    await answer.text();
    return answer.status;
  };
  /** Stays open until the session ends. */
  const listen = async (token: string, session: string) => {
    const { status, body } = await request(token, { method: "GET" }, session);
    expect(status).toBe(200);
    return body?.getReader();
  };
  const several = async (token: string, count: number): Promise<readonly string[]> => {
    const begun: string[] = [];
    while (begun.length < count) begun.push(await begin(token));
    return begun;
  };

  test("take nobody else's place: beyond its share its own go, those first that were idle for longest", async () => {
    const [mine, others] = [await served.tokenFor(scopes), await served.tokenFor(scopes)];
    const oldest = await begin(others);
    const begun = await several(mine, most + 2);
    expect(await statusOf(others, oldest)).toBe(200);
    const statuses: number[] = [];
    for (const session of [...begun.slice(0, 3), ...begun.slice(-1)]) statuses.push(await statusOf(mine, session));
    expect(statuses).toEqual([404, 404, 200, 200]);
  });

  test("are so many over all paths together, and each is of the path that it began on", async () => {
    const token = await served.tokenFor(scopes);
    const oldest = await begin(token, "/mcp/agents");
    await several(token, most - 1);
    expect(await statusOf(token, oldest, "/mcp/agents")).toBe(200);
    const ofMatrix = await begin(token, "/mcp/matrix");
    expect(await statusOf(token, oldest, "/mcp/agents")).toBe(200);
    expect([await statusOf(token, ofMatrix, "/mcp/matrix"), await statusOf(token, ofMatrix)]).toEqual([200, 404]);
    await several(token, most - 1);
    expect(await statusOf(token, oldest, "/mcp/agents")).toBe(404);
  });

  test("take nobody else's place when all are begun at once", async () => {
    const [mine, others] = [await served.tokenFor(scopes), await served.tokenFor(scopes)];
    const oldest = await begin(others);
    await Promise.all(Array.from({ length: 1_003 }, () => begin(mine)));
    expect(await statusOf(others, oldest)).toBe(200);
  });

  test("count when they are listened to as well, and then end last", async () => {
    const token = await served.tokenFor(scopes);
    const [first = "", second = ""] = await several(token, 2);
    const reading = await listen(token, first);
    await several(token, most - 1);
    expect(await statusOf(token, second)).toBe(404);
    for (const session of await several(token, most - 1)) {
      served.clock.advance(1);
      await listen(token, session);
    }
    const heard = reading?.read();
    const latest = await begin(token);
    expect([(await heard)?.done, await statusOf(token, first), await statusOf(token, latest)]).toEqual([
      true,
      404,
      200,
    ]);
  });
});

describe("the streams of one token", () => {
  const status = "letta-matrix://status";
  const body = { method: "subscriptions/listen", params: { notifications: { resourceSubscriptions: [status] } } };
  let listening: Listening;
  beforeEach(() => {
    listening = new Listening();
  });
  const unopened = () => new ServerResponse(new IncomingMessage(new Socket()));
  const open = async (token: string, reply = unopened()) => {
    const feed = { next: async () => ({ changed: [], at: "now" }) };
    const catalogue = new Catalogue(served.commands);
    const principal = { name: "tester", scopes: new Set(scopes) };
    const offered = { catalogue, feed, clock: served.clock, logger: { error: vi.fn() } };
    const interests = interestsOf(offered, { principal, toolset: "all" });
    const { body: asked } = await listening.of(body, token, interests, reply);
    return { close: () => reply.emit("close"), hears: JSON.stringify(asked).includes(status) };
  };

  test("take nobody else's place: beyond its share it hears of nothing, until one of its own ends", async () => {
    const streams = await Promise.all(Array.from({ length: most }, () => open("mine")));
    expect(streams.every(({ hears }) => hears)).toBe(true);
    const beyond = await open("mine");
    expect([beyond.hears, (await open("another")).hears]).toEqual([false, true]);
    for (const one of [beyond, streams[0]]) one?.close();
    expect((await open("mine")).hears).toBe(true);
  });

  test("do not count when their client had gone before they began", async () => {
    for (let count = 0; count < most; count += 1) expect((await open("mine", closed())).hears).toBe(false);
    expect((await open("mine")).hears).toBe(true);
  });
});

function closed(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket())).destroy();
}

test("an answer that has closed already is not kept as one that is under way", () => {
  const replies = new OpenReplies();
  const gone = closed();
  const listeners = gone.listenerCount("close");
  replies.add("token", gone);
  expect(gone.listenerCount("close")).toBe(listeners);
  const open = new ServerResponse(new IncomingMessage(new Socket()));
  replies.add("token", open);
  replies.endOf("token");
  expect(open.destroyed).toBe(true);
});
