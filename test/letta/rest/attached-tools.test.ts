import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { AttachedTools } from "../../../src/attached-tools.ts";
import { usualAgentTools } from "../../../src/config/agent-tools.ts";
import { RestBackend } from "../../../src/letta/rest/backend.ts";
import { agentCalled, installation, records } from "../../api/installation.ts";
import { type Served, serve } from "../../api/served.ts";
import { type RestUnderContract, restServer } from "../../contract/letta/rest-server.ts";
import { never } from "../../contract/letta/server.ts";
import { FakeVault } from "../../ports/fake-vault.ts";
import { startModel } from "../../servers/model.ts";
import { startV1StandIn } from "../../servers/v1/stand-in.ts";

/** Agents of a V1 server are given tools of ours, which that server looks at and calls by MCP. */

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let letta: RestUnderContract;
let served: Served;
let agentId: string;
let notes: FakeVault;

beforeEach(async () => {
  notes = new FakeVault();
  letta = await restServer({ startModel, start: (model) => startV1StandIn({ model }), haste: 5 });
  agentId = await letta.newAgent("Scribe");
  served = await serve({ mcp: true, context: installation([...records, agentCalled("Scribe", agentId)]) });
});

afterEach(async () => {
  await served.stop();
  await letta.stop();
});

const name = "letta-matrix-test";
const variable = "LETTA_MATRIX_TOKEN";

function tools(url: string | undefined = `http://127.0.0.1:${served.port}/mcp`): AttachedTools {
  const { tokens, clock } = served;
  const backend = new RestBackend({ url: letta.url, toolAllowList: [], idleTimeoutMs: 20_000 });
  const offered = { name, url, tools: usualAgentTools };
  return new AttachedTools({ letta: backend, tokens, notes, clock, name, offered });
}

/** The same program after the operator has switched it off. */
function switchedOff(): AttachedTools {
  const backend = new RestBackend({ url: letta.url, toolAllowList: [], idleTimeoutMs: 20_000 });
  return new AttachedTools({ letta: backend, tokens: served.tokens, notes, clock: served.clock, name });
}

async function lettaAnswers(method: string, path: string, body?: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const sent = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  return (await fetch(`${letta.url}${path}`, sent)).json();
}

const equipped = z.object({
  tools: z.array(z.object({ name: z.string() })),
  secrets: z.array(z.object({ key: z.string(), value: z.string() })),
});

async function agent(id = agentId) {
  const query = "include=agent.tools&include=agent.secrets";
  const found = equipped.parse(await lettaAnswers("GET", `/v1/agents/${id}?${query}`));
  return {
    tools: found.tools.map((tool) => tool.name).filter((tool) => usualAgentTools.some((ours) => ours === tool)),
    secrets: Object.fromEntries(found.secrets.map(({ key, value }) => [key, value])),
  };
}

const ran = z.object({ status: z.string(), func_return: z.unknown() });

/** The agent's model calls a tool: Letta does it. */
async function calls(tool: string, args: object) {
  return ran.parse(await lettaAnswers("POST", `/v1/agents/${agentId}/tools/${tool}/run`, { args }));
}

const tokensOf = (id: string) => served.tokens.list().filter((token) => token.agentId === id);

test("an agent has the tools, and by a token of its own acts as itself and as nobody else", async () => {
  await tools().attach(agentId, never);
  expect((await agent()).tools.sort()).toEqual([...usualAgentTools].sort());
  expect(tokensOf(agentId)).toHaveLength(1);
  expect(tokensOf(agentId)[0]?.scopes).not.toContain("admin:read");
  expect(await calls("send_message_to_agent", { agent: "Muse", message: "hello" })).toMatchObject({
    status: "success",
    func_return: { structuredContent: { state: "asked", to: { agentId: "agent-2" } } },
  });
  const lie = { agent: "Muse", message: "hello", from_agent: "Scout" };
  expect(await calls("send_message_to_agent", lie)).toMatchObject({ status: "error" });
});

test("what is as it should be is left as it is", async () => {
  await tools().attach(agentId, never);
  const before = [await agent(), served.tokens.list()];
  await tools().attach(agentId, never);
  expect([await agent(), served.tokens.list()]).toEqual(before);
});

test("what others have changed is mended, and what is theirs stays theirs", async () => {
  await lettaAnswers("PATCH", `/v1/agents/${agentId}`, { secrets: { WEATHER_KEY: "theirs" } });
  await tools().attach(agentId, never);
  const { secrets } = await agent();
  expect(secrets["WEATHER_KEY"]).toBe("theirs");
  await lettaAnswers("PATCH", `/v1/agents/${agentId}/tools/detach/tool-list_agents`);
  for (const { id } of tokensOf(agentId)) await served.tokens.revoke(id);
  await tools().attach(agentId, never);
  const mended = await agent();
  expect(mended.tools).toContain("list_agents");
  expect(mended.secrets).toMatchObject({
    WEATHER_KEY: "theirs",
    [variable]: expect.not.stringMatching(secrets[variable] ?? ""),
  });
  expect(await calls("list_agents", {})).toMatchObject({ status: "success" });
});

test("a token that is another agent's, or a program's that acts as this one, is not taken for the agent's own", async () => {
  for (const boundTo of ["agent-1", agentId]) {
    const token = await served.tokenFor(["agents:message"], { agentId: boundTo });
    await lettaAnswers("PATCH", `/v1/agents/${agentId}`, { secrets: { [variable]: token } });
    await tools().attach(agentId, never);
    const own = (await agent()).secrets[variable] ?? "";
    expect(own).not.toBe(token);
    expect(served.tokens.principalOf(own)).toMatchObject({ agentId, attached: true });
  }
});

test("many agents at once register it once, and the key by which Letta looked is good no more", async () => {
  const others = await Promise.all([letta.newAgent(), letta.newAgent(), letta.newAgent()]);
  const attached = tools();
  await Promise.all([agentId, ...others].map((id) => attached.attach(id, never)));
  const servers = await lettaAnswers("GET", "/v1/mcp-servers");
  expect(servers).toMatchObject([{ server_name: name, auth_token: `Bearer {{ ${variable} }}` }]);
  expect(JSON.stringify(servers)).not.toContain("lm_");
  expect(
    served.tokens
      .list()
      .map((token) => token.agentId)
      .sort(),
  ).toEqual([agentId, ...others].sort());
});

test("another address and tools that are new are seen, also when an earlier look was cut off", async () => {
  await tools().attach(agentId, never);
  const [server] = z.array(z.object({ id: z.string() })).parse(await lettaAnswers("GET", "/v1/mcp-servers"));
  const left = {
    server_url: "http://127.0.0.1:1/mcp",
    auth_header: "Authorization",
    auth_token: "Bearer {{ X | lm_left }}",
  };
  await lettaAnswers("PATCH", `/v1/mcp-servers/${server?.id}`, {
    config: { mcp_server_type: "streamable_http", ...left },
  });
  await tools().attach(agentId, never);
  expect(await calls("list_agents", {})).toMatchObject({ status: "success" });
  expect(JSON.stringify(await lettaAnswers("GET", "/v1/mcp-servers"))).not.toContain("lm_left");
});

test("an address that Letta does not reach is told with what to do, and leaves no token behind", async () => {
  await expect(tools("http://127.0.0.1:1/mcp").attach(agentId, never)).rejects.toMatchObject({
    kind: "refused",
    message: expect.stringContaining("http://127.0.0.1:1/mcp"),
    remedy: expect.stringContaining("api.public_url"),
  });
  expect(served.tokens.list()).toEqual([]);
});

test("whoever is retired has neither tools nor token any more, and keeps what is not ours", async () => {
  await lettaAnswers("PATCH", `/v1/agents/${agentId}`, { secrets: { WEATHER_KEY: "theirs" } });
  const attached = tools();
  await attached.attach(agentId, never);
  const { secrets } = await agent();
  await attached.detach(agentId, never);
  expect(await agent()).toEqual({ tools: [], secrets: { WEATHER_KEY: "theirs" } });
  expect(served.tokens.principalOf(secrets[variable] ?? "")).toBeUndefined();
  // Letta has forgotten most of them by then.
  await attached.detach("agent-00000000-0000-4000-8000-000000000000", never);
  await attached.detach(agentId, never);
});

test("whoever is retired while Letta is away has no token from that moment on, and the rest is tried again", async () => {
  const attached = tools();
  await attached.attach(agentId, never);
  await letta.kill();
  await expect(attached.detach(agentId, never)).rejects.toMatchObject({ kind: "unreachable" });
  expect(served.tokens.list()).toEqual([]);
  await letta.restart();
  await attached.detach(agentId, never);
  expect(await agent()).toEqual({ tools: [], secrets: {} });
});

const servers = async () => z.array(z.object({ id: z.string() })).parse(await lettaAnswers("GET", "/v1/mcp-servers"));

test("when the operator has switched it off, all of it is taken away, and nothing is asked of who never had it", async () => {
  await tools().attach(agentId, never);
  await switchedOff().attach(agentId, never);
  expect(await agent()).toEqual({ tools: [], secrets: {} });
  expect(served.tokens.list()).toEqual([]);
  expect(await servers()).toEqual([]);
  await letta.kill();
  await switchedOff().attach(agentId, never);
  await switchedOff().detach(agentId, never);
});

test("the registration goes with the last agent that has the tools, also if many lose them at once", async () => {
  const others = await Promise.all([letta.newAgent(), letta.newAgent()]);
  for (const id of [agentId, ...others]) await tools().attach(id, never);
  const off = switchedOff();
  await off.attach(agentId, never);
  expect(await servers()).toHaveLength(1);
  await Promise.all(others.map((id) => off.attach(id, never)));
  expect(await servers()).toEqual([]);
  await tools().attach(agentId, never);
  expect((await agent()).tools).toHaveLength(usualAgentTools.length);
});

test("the registration goes, also where Letta was away or the program ended when it should have, or the last agent is retired", async () => {
  const other = await letta.newAgent();
  await tools().attach(agentId, never);
  await switchedOff().detach(agentId, never);
  await letta.kill();
  await expect(switchedOff().attach(other, never)).rejects.toMatchObject({ kind: "unreachable" });
  await letta.restart();
  expect(await servers()).toHaveLength(1);
  await switchedOff().attach(other, never);
  expect(await servers()).toEqual([]);
});

test("the registration goes, also where an earlier version has made it, and nobody else's", async () => {
  await lettaAnswers("POST", "/v1/mcp-servers", {
    server_name: "weather",
    config: {
      mcp_server_type: "streamable_http",
      server_url: "http://127.0.0.1:1/mcp",
      auth_header: "Authorization",
      auth_token: "theirs",
    },
  });
  const [theirs] = await servers();
  await tools().attach(agentId, never);
  await notes.delete("tools at Letta");
  await switchedOff().attach(agentId, never);
  expect(await servers()).toEqual([theirs]);
});
