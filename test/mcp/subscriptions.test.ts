import { StreamableHTTPClientTransport as TransportOfToday } from "@modelcontextprotocol/client";
import { StreamableHTTPClientTransport as TransportOf2025 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Scope, scopes } from "../../src/commands/access/principal.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { Subscriptions, TooManySubscriptions } from "../../src/mcp/subscriptions.ts";
import type { ActorId } from "../../src/runtime/actor-id.ts";
import { recordOf } from "../actors/agent-record.ts";
import { installation, room, server } from "../api/installation.ts";
import { type Served, serve } from "../api/served.ts";
import { type Follower, followerOf2025, followerOfToday } from "./followers.ts";

vi.setConfig({ testTimeout: 30_000 });

let served: Served;
let followers: Follower[];

beforeEach(async () => {
  followers = [];
  served = await serve({ mcp: true });
});

afterEach(async () => {
  for (const follower of followers) await follower.close().catch(() => undefined);
  await served.stop();
});

const address = () => new URL(`http://127.0.0.1:${served.port}/mcp`);

const eras: readonly (readonly [string, (headers: Readonly<Record<string, string>>) => Promise<Follower>])[] = [
  ["of 2025", (headers) => followerOf2025(new TransportOf2025(address(), { requestInit: { headers } }))],
  ["of today", (headers) => followerOfToday(new TransportOfToday(address(), { requestInit: { headers } }))],
];

/** An actor makes a step. */
function step(id: ActorId, event = "POLLED"): void {
  const record = recordOf({ id, machine: "agent", value: "ready" });
  served.stepped({ record, line: { revision: 1, at: 0, event, to: "ready", effects: [], handled: true } });
}

/** Lets time pass until it is so. */
async function passUntil(isSo: () => boolean): Promise<void> {
  await vi.waitFor(
    () => {
      served.clock.advance(1_000);
      expect(isSo()).toBe(true);
    },
    { timeout: 10_000, interval: 20 },
  );
}

/** Lets all that is on its way arrive. */
async function quiet(): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) {
    served.clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const agent = "letta-matrix://agents/agent-1";
const chart = "letta-matrix://agents/scout/chart";
const messages = `letta-matrix://rooms/${encodeURIComponent(room)}/messages`;
const status = "letta-matrix://status";

/** Another address of the same room for each number. */
function spelt(number: number): string {
  const letters = [...room].map((letter, at) =>
    (number >> at) % 2 === 1 ? `%${letter.charCodeAt(0).toString(16)}` : encodeURIComponent(letter),
  );
  return `letta-matrix://rooms/${letters.join("")}/messages`;
}

describe.each(eras)("a client %s", (_, open) => {
  const follower = async (given: readonly Scope[] = scopes, agentId?: string): Promise<Follower> => {
    const token = await served.tokenFor(given, agentId === undefined ? {} : { agentId });
    const one = await open({ authorization: `Bearer ${token}` });
    followers.push(one);
    return one;
  };

  test("hears that an agent, its chart, a room's messages, everything and the list have changed", async () => {
    const one = await follower();
    expect(one.capabilities).toMatchObject({ resources: { subscribe: true, listChanged: true } });
    expect(await one.follow([agent, chart, messages, status])).toEqual([agent, chart, messages, status]);
    step(addressOf.agent(server, "agent-1"));
    await passUntil(() => [agent, chart, status].every((uri) => one.told.includes(uri)));
    expect(one.told).not.toContain(messages);
    step(addressOf.outbox(server, "@letta:example.org", room));
    await passUntil(() => one.told.includes(messages));
    expect(one.told).not.toContain("list");
    step(addressOf.agent(server, "agent-3"), "DISCOVERED");
    await passUntil(() => one.told.includes("list"));
  });

  test("hears of a storm of changes once at once, and once more when it is over", async () => {
    const one = await follower();
    await one.follow([agent]);
    step(addressOf.agent(server, "agent-1"));
    await passUntil(() => one.told.length === 1);
    await quiet();
    for (let steps = 0; steps < 10_000; steps += 1) step(addressOf.agent(server, "agent-1"));
    await passUntil(() => one.told.length > 1);
    for (let steps = 0; steps < 10_000; steps += 1) step(addressOf.agent(server, "agent-1"));
    await quiet();
    expect(one.told).toEqual([agent, agent, agent]);
  });

  test("follows nothing that its scopes forbid, nor another agent's, nor what is not there", async () => {
    const reader = await follower(["messages:read"]);
    expect(await reader.follow([agent, chart, messages, status])).toEqual([messages]);
    const bound = await follower(["agents:read"], "agent-2");
    expect(await bound.follow([agent, chart, status, "letta-matrix://agents/agent-2"])).toEqual([
      "letta-matrix://agents/agent-2",
    ]);
    const operator = await follower();
    expect(await operator.follow(["letta-matrix://agents/nobody", "letta-matrix://x", "https://x"])).toEqual([]);
    step(addressOf.agent(server, "agent-1"), "DISCOVERED");
    await quiet();
    expect(reader.told).toEqual([]);
    expect(bound.told.filter((uri) => uri !== "list")).toEqual([]);
  });

  test("hears no more of what it does not follow any longer", async () => {
    const one = await follower();
    await one.follow([agent, messages]);
    await one.unfollow(agent);
    step(addressOf.agent(server, "agent-1"));
    step(addressOf.outbox(server, "@letta:example.org", room));
    await passUntil(() => one.told.includes(messages));
    await quiet();
    expect(one.told).toEqual([messages]);
  });

  test("hears nothing more once its token is revoked, and nobody asks for it any more", async () => {
    const one = await follower();
    await one.follow([agent]);
    step(addressOf.agent(server, "agent-1"));
    await passUntil(() => one.told.length === 1);
    for (const { id } of served.tokens.list()) await served.tokens.revoke(id);
    await quiet();
    step(addressOf.agent(server, "agent-1"));
    await quiet();
    expect(one.told).toEqual([agent]);
    expect(served.clock.pending).toBe(0);
  });
});

test("what changes while a client of 2025 has no stream open is told when it opens one", async () => {
  const headers = {
    authorization: `Bearer ${await served.tokenFor(scopes)}`,
    accept: "application/json, text/event-stream",
    "content-type": "application/json",
  };
  const post = async (body: object, more: Readonly<Record<string, string>> = {}) => {
    const sent = {
      method: "POST",
      headers: { ...headers, ...more },
      body: JSON.stringify({ jsonrpc: "2.0", ...body }),
    };
    const answer = await fetch(address(), sent);
    await answer.text();
    return answer;
  };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } };
  const begun = await post({ id: 1, method: "initialize", params });
  const session = { "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
  await post({ method: "notifications/initialized" }, session);
  await post({ id: 2, method: "resources/subscribe", params: { uri: agent } }, session);
  step(addressOf.agent(server, "agent-1"));
  await quiet();
  const stream = await fetch(address(), { headers: { ...headers, ...session } });
  const reading = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  const chunk = reading?.read();
  await quiet();
  expect(String((await chunk)?.value)).toContain(agent);
  await reading?.cancel();
});

test("one request follows no more than the first hundred resources, and nothing is looked up for the others", async () => {
  const { sessions, ...rest } = installation();
  const read: string[] = [];
  const context = {
    ...rest,
    sessions: {
      as(userId: string) {
        read.push(userId);
        return sessions.as(userId);
      },
    },
  };
  const busy = await serve({ mcp: true, context });
  const headers = { authorization: `Bearer ${await busy.tokenFor(scopes)}` };
  const url = new URL(`http://127.0.0.1:${busy.port}/mcp`);
  const one = await followerOfToday(new TransportOfToday(url, { requestInit: { headers } }));
  const wanted = Array.from({ length: 300 }, (_, n) => spelt(n));
  expect(await one.follow(wanted)).toEqual(wanted.slice(0, 100));
  expect(read.length).toBe(100);
  await one.close();
  await busy.stop();
});

test("a session follows one thing by no more addresses than it may follow things", async () => {
  const feed = { next: async () => ({ changed: [], at: "now" }) };
  const subscriptions = new Subscriptions(feed, served.clock);
  for (let n = 0; n < 500; n += 1) await subscriptions.add(`letta-matrix://agents/${n}`, "agent agent-1");
  await subscriptions.add("letta-matrix://agents/0", "agent agent-1");
  await expect(subscriptions.add("letta-matrix://agents/500", "agent agent-1")).rejects.toThrow(TooManySubscriptions);
  subscriptions.remove("letta-matrix://agents/0");
  await subscriptions.add("letta-matrix://agents/500", "agent agent-1");
  subscriptions.end();
});
