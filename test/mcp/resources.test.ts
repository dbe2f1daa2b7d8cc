import { StreamableHTTPClientTransport as TransportOfToday } from "@modelcontextprotocol/client";
import { StreamableHTTPClientTransport as TransportOf2025 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Scope, scopes } from "../../src/commands/access/principal.ts";
import { addressOf, agentUserId } from "../../src/machines/addresses.ts";
import { recordOf } from "../actors/agent-record.ts";
import { installation, records, server } from "../api/installation.ts";
import { type Served, serve } from "../api/served.ts";
import { FakeHomeserver } from "../ports/fake-homeserver.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { generations, type Tools } from "./clients.ts";
import { followerOf2025, followerOfToday } from "./followers.ts";

/** What is read without a tool: by whom, and what is told when it cannot be. */

const ownRoomOf = (agentId: string) => `!${agentId}:${server}`;
const scouts = ownRoomOf("agent-1");
const muses = ownRoomOf("agent-2");
/** Muse has been asked something there. */
const shared = "!shared:example.org";

let served: Served;
let clients: Tools[];
let isBroken: boolean;

beforeEach(async () => {
  clients = [];
  isBroken = false;
  const homeserver = new FakeHomeserver(new SimulatedClock());
  for (const [room, agentIds] of [
    [scouts, ["agent-1"]],
    [muses, ["agent-2"]],
    [shared, ["agent-2"]],
  ] as const) {
    homeserver.ensureRoom(room);
    for (const agentId of agentIds) homeserver.setMember(room, agentUserId(server, agentId), "join");
    homeserver.post(room, { sender: "@anna:example.org", content: { msgtype: "m.text", body: `said in ${room}` } });
  }
  const talk = recordOf({
    id: addressOf.conversation(server, "agent-2", shared),
    machine: "conversation",
    value: "idle",
    context: { agentId: "agent-2", roomId: shared, queue: [] },
  });
  const base = installation([...records, talk]);
  const host = {
    ...base.host,
    async *list(...which: Parameters<typeof base.host.list>) {
      if (isBroken) throw new TypeError("canary: a bug");
      yield* base.host.list(...which);
    },
  };
  const sessions = { as: (userId: string) => homeserver.as(homeserver.sessionOf(userId)) };
  served = await serve({ mcp: true, context: { ...base, host, sessions } });
});

afterEach(async () => {
  for (const client of clients) await client.close().catch(() => undefined);
  await served.stop();
});

const messagesOf = (room: string) => `letta-matrix://rooms/${encodeURIComponent(room)}/messages`;

describe.each(generations)("a client %s", (_, connect) => {
  const connected = async (
    headers: Readonly<Record<string, string>> = {},
    given: readonly Scope[] = scopes,
    agentId?: string,
  ) => {
    const token = await served.tokenFor(given, agentId === undefined ? {} : { agentId });
    const address = new URL(`http://127.0.0.1:${served.port}/mcp`);
    const client = await connect(address, { authorization: `Bearer ${token}`, ...headers });
    clients.push(client);
    return client;
  };
  const completed = async (client: Tools) => {
    const ref = { type: "ref/resource" as const, uri: "letta-matrix://rooms/{room}/messages" };
    const { completion } = await client.complete({ ref, argument: { name: "room", value: "!" } });
    return z.object({ values: z.array(z.string()) }).parse(completion).values;
  };
  const saidIn = async (client: Tools, room: string) =>
    JSON.stringify(await client.readResource({ uri: messagesOf(room) }));

  test.each([
    ["that is for no agent", {}, undefined, [scouts, muses, shared]],
    ["that names an agent by its id", { "x-agent-id": "agent-2" }, undefined, [muses, shared]],
    ["that names an agent by its name", { "x-agent-id": "scout" }, undefined, [scouts]],
    ["that names an agent by its user", { "x-agent-id": "@agent_1:example.org" }, undefined, [scouts]],
    ["that is bound to an agent", {}, "agent-1", [scouts]],
  ])("is offered the rooms that it can read, and no other: one %s", async (_name, headers, agentId, readable) => {
    const client = await connected(headers, scopes, agentId);
    expect(await completed(client)).toEqual(readable);
    for (const room of readable) expect(await saidIn(client, room)).toContain(`said in ${room}`);
    for (const room of [scouts, muses, shared].filter((one) => !readable.includes(one)))
      await expect(saidIn(client, room)).rejects.toThrow("M_FORBIDDEN");
  });

  test("reads without being let list rooms or agents", async () => {
    const client = await connected({}, ["messages:read"]);
    expect(await saidIn(client, scouts)).toContain(`said in ${scouts}`);
    expect(await completed(client)).toEqual([]);
  });

  test.each([
    ["read", (client: Tools) => client.readResource({ uri: "letta-matrix://agents/Scout the Great" })],
    ["completed", (client: Tools) => completed(client)],
    ["listed", (client: Tools) => client.listResources()],
  ])("is told nothing of a bug, which the operator is: of what is %s", async (_name, ask) => {
    const client = await connected();
    isBroken = true;
    await expect(ask(client)).rejects.toThrow("The operator's log tells more");
    expect(served.logged).toMatchObject([
      { err: { message: "canary: a bug" }, command: expect.any(String), message: "a resource could not be read" },
    ]);
  });

  test("is told what it has done wrong in its own words, which the operator is not", async () => {
    const client = await connected();
    const missing = client.readResource({ uri: "letta-matrix://agents/Nobody at all" });
    await expect(missing).rejects.toThrow("`list_agents` lists them");
    expect(served.logged).toEqual([]);
  });
});

test("what cannot be followed for a bug is told to the operator", async () => {
  const headers = { authorization: `Bearer ${await served.tokenFor(scopes)}` };
  const address = new URL(`http://127.0.0.1:${served.port}/mcp`);
  isBroken = true;
  for (const follower of [
    await followerOf2025(new TransportOf2025(address, { requestInit: { headers } })),
    await followerOfToday(new TransportOfToday(address, { requestInit: { headers } })),
  ]) {
    served.logged.length = 0;
    expect(await follower.follow(["letta-matrix://agents/Scout the Great"])).toEqual([]);
    expect(served.logged).toMatchObject([{ err: { message: "canary: a bug" }, command: "agent" }]);
    await follower.close();
  }
});
