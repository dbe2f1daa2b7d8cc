import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { AttachedTools } from "../../../src/attached-tools.ts";
import { RestBackend } from "../../../src/letta/rest/backend.ts";
import { agentCalled, installation, records } from "../../api/installation.ts";
import { type Served, serve } from "../../api/served.ts";
import { never } from "../../contract/letta/server.ts";
import { type HomeserverProxy, startProxy } from "../../e2e/homeserver-proxy.ts";
import { FakeVault } from "../../ports/fake-vault.ts";
import { type Model, startModel } from "../../servers/model.ts";
import { startV1StandIn, type V1StandIn } from "../../servers/v1/stand-in.ts";

/** Letta, or a proxy before it, quotes in its refusals what it was shown. */

const apiKey = "canary-of-letta";
const agentsOwn = "canary-of-the-weather";

let model: Model;
let letta: V1StandIn;
let proxy: HomeserverProxy;
let served: Served;
let agentId: string;

beforeEach(async () => {
  model = await startModel();
  letta = await startV1StandIn({ model, apiKey });
  proxy = await startProxy(letta.url);
  agentId = z
    .object({ id: z.string() })
    .parse(await change("POST", "/v1/agents/", { name: "Scribe", model: letta.modelHandle, embedding: null })).id;
  served = await serve({ mcp: true, context: installation([...records, agentCalled("Scribe", agentId)]) });
});

afterEach(async () => {
  await served.stop();
  await proxy.close();
  await letta.stop();
  await model.stop();
});

async function change(method: string, path: string, body: object): Promise<unknown> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${apiKey}` };
  return (await fetch(`${letta.url}${path}`, { method, headers, body: JSON.stringify(body) })).json();
}

const backend = () => new RestBackend({ url: proxy.url, apiKey, toolAllowList: [], idleTimeoutMs: 20_000 });

/** Gives the agent our tools; what is asked by this method is refused, and the refusal quotes it. */
function attach(refused: { readonly method: string; readonly path: string }, status: number): Promise<void> {
  const offered = { name: "ours", url: `http://127.0.0.1:${served.port}/mcp`, tools: ["list_agents"] };
  const { tokens, clock } = served;
  proxy.interfere({
    instead: ({ method, path, body }) =>
      method === refused.method && path.startsWith(refused.path)
        ? { status, body: JSON.stringify({ detail: [{ loc: ["body"], input: body }] }) }
        : undefined,
  });
  return new AttachedTools({ letta: backend(), tokens, notes: new FakeVault(), clock, name: "ours", offered }).attach(
    agentId,
    never,
  );
}

/** What whoever asked is told, and what that came of. */
async function refusalOf(asking: Promise<unknown>): Promise<string> {
  const causes: string[] = [];
  let error: unknown = await asking.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  for (; error instanceof Error; error = error.cause) causes.push(`${error.message} ${error.stack}`);
  return causes.join("\n");
}

test.each([400, 402, 404, 422])("a refusal (%i) that quotes the key is told without it", async (status) => {
  proxy.interfere({ instead: ({ token }) => ({ status, body: JSON.stringify({ detail: `you showed ${token}` }) }) });
  const told = await refusalOf(backend().createConversation(agentId, never));
  expect(told).toContain("you showed Bearer [secret]");
  expect(told).not.toContain(apiKey);
});

test("a refusal that quotes an agent's variables is told without them", async () => {
  await change("PATCH", `/v1/agents/${agentId}`, { secrets: { WEATHER_KEY: agentsOwn } });
  const told = await refusalOf(attach({ method: "PATCH", path: "/v1/agents/" }, 422));
  expect(told).toContain("LETTA_MATRIX_TOKEN");
  expect(told).toContain("[secret]");
  expect(told).not.toContain(agentsOwn);
  expect(told).not.toMatch(/lm_\w+_/);
});

test("a refusal that quotes the key by which Letta was to look at the tools is told without it", async () => {
  const told = await refusalOf(attach({ method: "POST", path: "/v1/mcp-servers" }, 400));
  expect(told).toContain("LETTA_MATRIX_TOKEN | [secret]");
  expect(told).not.toMatch(/lm_\w+_/);
});
