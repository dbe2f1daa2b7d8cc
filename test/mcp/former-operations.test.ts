import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { scopes } from "../../src/commands/access/principal.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { formerOperations } from "../../src/mcp/former-operations.ts";
import { anybodys as event, installation, room, server } from "../api/installation.ts";
import { type Served, serve } from "../api/served.ts";
import { call, generations, type Tools } from "./clients.ts";

/** The older system's deployed tool, called as its clients do. */

let served: Served;
let clients: Tools[];
/** What was written down to be said: to which outbox, and what. */
let said: { readonly to: string; readonly event: { readonly errand?: { readonly what: object } } }[];

beforeEach(async () => {
  clients = [];
  said = [];
  const base = installation();
  const accept = async (to: string, event: object) => void said.push({ to, event });
  served = await serve({ mcp: true, context: { host: { ...base.host, accept } } });
});

afterEach(async () => {
  for (const client of clients) await client.close().catch(() => undefined);
  await served.stop();
});

async function connected(agentId?: string): Promise<Tools> {
  const [, connect] = generations[1] ?? [];
  const token = await served.tokenFor(scopes, agentId === undefined ? {} : { agentId });
  const address = new URL(`http://127.0.0.1:${served.port}/mcp/matrix`);
  const client = await connect?.(address, { authorization: `Bearer ${token}` });
  if (client === undefined) throw new Error("there is no client");
  clients.push(client);
  return client;
}

const ask = (client: Tools, operation: string, args: object) =>
  call(client, "matrix_messaging", { operation, ...args });

const refusedFor = (words: string) => ({ isError: true, content: [{ text: expect.stringContaining(words) }] });
const outboxOf = (user: string, roomId: string) => addressOf.outbox(server, user, roomId);
const [scout, muse] = [`@agent_1:${server}`, `@agent_2:${server}`];

/** By its own names, and what comes of it. */
const calls: readonly (readonly [string, object, object])[] = [
  ["send", { room_id: room, message: "x", msgtype: "m.text" }, { state: "done" }],
  ["send", { room_id: room, message: "x", reply_to_event_id: event }, { state: "done" }],
  ["read", { identity_id: "letta_agent-1", room_id: room, limit: 50 }, { room }],
  ["react", { identity_id: "letta_agent-1", room_id: room, event_id: event, emoji: "👍" }, { state: "done" }],
  ["edit", { identity_id: "letta_agent-1", room_id: room, event_id: event, new_content: "y" }, { state: "done" }],
  ["redact", { agent_id: "agent-1", room_id: room, event_id: event, message: "why" }, { state: "done" }],
  ["room_join", { room_id_or_alias: room }, { room }],
  ["room_leave", { room_id: room }, { room }],
  ["room_list", { identity_id: "letta_agent-1" }, { rooms: [{ agentId: "agent-1" }] }],
  ["room_create", { name: "Talk", is_public: false, invite: [] }, { room: expect.stringMatching(/^!/) }],
  ["room_invite", { room_id: room, user_mxid: "@anna:example.org" }, { room }],
  ["room_search", { room_id: room, query: "hello", limit: 10 }, { messages: expect.anything() }],
  ["room_members", { room_id: room }, { members: expect.anything() }],
  ["letta_send", { agent_id: "agent-1", to_mxid: muse, message: "hi" }, { to: { agentId: "agent-2" } }],
  ["letta_chat", { agent_id: "agent-2", message: "hi" }, { to: { agentId: "agent-2" } }],
  ["talk_to_agent", { agent: "Muse", message: "hi" }, { to: { agentId: "agent-2" } }],
  ["talk_to_agent", { agent_name: "Muse", message: "hi" }, { to: { agentId: "agent-2" } }],
  ["talk_to_agent", { agent: "Muse", message: "hi", sender_identity_id: "letta_agent-1" }, { state: "asked" }],
  ["letta_list", {}, { agents: expect.anything() }],
  ["letta_lookup", { agent_id: "agent-2" }, { agentId: "agent-2" }],
  ["letta_lookup", { agent_name: "muse" }, { agentId: "agent-2" }],
];
const caller = { caller_directory: "/opt/x", caller_name: "X", caller_source: "claude-code" };

test.each(calls)(
  "%s does what its clients ask for by the names that they know: %o",
  async (operation, args, expected) => {
    const { isError, content, structuredContent } = await ask(await connected("agent-1"), operation, {
      ...args,
      ...caller,
    });
    expect([isError ?? false, content]).toEqual([false, expect.anything()]);
    expect(structuredContent).toMatchObject(expected);
  },
);

test("each operation that is served is tried", () => {
  const tried = new Set(calls.map(([operation]) => operation));
  // It is what a `send` with an event to reply to is.
  expect([...formerOperations.keys()].filter((operation) => !tried.has(operation))).toEqual(["reply"]);
});

test("a message that replies is a reply", async () => {
  await ask(await connected("agent-1"), "send", { room_id: room, message: "x", reply_to_event_id: event });
  expect(said).toMatchObject([
    { to: outboxOf(scout, room), event: { errand: { what: { text: "x", inReplyTo: event } } } },
  ]);
});

describe("who acts", () => {
  test("is the agent whose id a message is sent with, and never the one that it is sent to", async () => {
    const client = await connected();
    await ask(client, "send", { room_id: room, message: "x", agent_id: "agent-1" });
    await ask(client, "letta_send", { agent_id: "agent-1", to_mxid: muse, message: "hi" });
    expect(said.map(({ to }) => to)).toEqual([outboxOf(scout, room), outboxOf(scout, `!agent-2:${server}`)]);
    expect(await ask(client, "letta_send", { agent_id: "agent-2", message: "hi" })).toMatchObject(refusedFor("agent:"));
    expect(said).toHaveLength(2);
  });

  test("is the agent whose identity is named", async () => {
    await ask(await connected(), "edit", { ...edit, identity_id: "letta_agent-2" });
    expect(said.map(({ to }) => to)).toEqual([outboxOf(muse, room)]);
  });

  test.each([
    ["another agent's", "letta_agent-2", "does not act as"],
    ["one that is no agent's", "opencode_abc", "Leave identity_id out"],
  ])(
    "is nobody, where a caller that is bound names an identity that is not its own: %s",
    async (_, identity, words) => {
      const client = await connected("agent-1");
      expect(await ask(client, "edit", { ...edit, identity_id: identity })).toMatchObject(refusedFor(words));
      expect(await ask(client, "room_list", { identity_id: identity })).toMatchObject(
        refusedFor("Leave identity_id out"),
      );
      expect(said).toEqual([]);
    },
  );

  const edit = { room_id: room, event_id: event, new_content: "y" };
});

test.each([
  ["two agents at once", "talk_to_agent", { agent: "Muse", agent_name: "Scout", message: "x" }, "Say it once"],
  ["a public room", "room_create", { name: "Talk", is_public: true }, 'no argument "is_public"'],
  ["a message that is no text", "send", { room_id: room, message: "x", msgtype: "m.notice" }, 'no argument "msgtype"'],
  ["a person's own room", "send", { to_mxid: "@anna:example.org", message: "x" }, 'no argument "to_mxid"'],
  ["a person", "letta_send", { agent_id: "agent-1", to_mxid: "@anna:example.org", message: "x" }, "no agent"],
  ["what every object has", "send", { room_id: room, message: "x", constructor: "y" }, 'no argument "constructor"'],
  ["an operation that every object has", "constructor", {}, "is not served here"],
])("what cannot be done here is refused, and not done in another way: %s", async (_, operation, args, words) => {
  expect(await ask(await connected("agent-1"), operation, args)).toMatchObject(refusedFor(words));
  expect(said).toEqual([]);
});
