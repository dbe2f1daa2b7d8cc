import { expect, test } from "vitest";
import { attachedTools } from "../../src/attached-tools.ts";
import { unattachable } from "../../src/config/attached-tools.ts";
import { configFile } from "../../src/config/schema.ts";
import type { OfferedTools } from "../../src/letta/port.ts";
import { callersInMemory } from "../commands/callers.ts";
import { config as healthyConfig } from "../commands/doctor/healthy.ts";
import { FakeVault } from "../ports/fake-vault.ts";

const written = (letta: object, api: object = {}) =>
  configFile.parse({
    homeserver: { url: "http://127.0.0.1:8008", server_name: "example.org", registration: {} },
    letta: { url: "https://api.letta.com", ...letta },
    api,
  });

const served = { listen: "127.0.0.1:8290", public_url: "https://agents.example.org/" };

test("agents are given tools only where Letta can call them", () => {
  const problems = (letta: object, api?: object) => unattachable(written(letta, api)).map(({ message }) => message);
  expect(problems({})).toEqual([]);
  expect(problems({ attach_tools: true }, served)).toEqual([]);
  expect(problems({ attach_tools: true }).join()).toMatch(/needs api\.listen.*needs api\.public_url/);
  expect(problems({ attach_tools: true, url: "ws://127.0.0.1:4500" }, served).join()).toContain("by themselves");
});

test("what is offered is what the configuration names, at the public address, under a name of this installation", async () => {
  const { tokens, clock } = await callersInMemory();
  const offers: OfferedTools[] = [];
  const detached: string[] = [];
  const withdrawn: string[] = [];
  const notes = new FakeVault();
  const letta = {
    attachTools: async (_: string, offered: OfferedTools) => void offers.push(offered),
    detachTools: async (agentId: string) => void detached.push(agentId),
    withdrawTools: async ({ name: known }: Pick<OfferedTools, "name">) => void withdrawn.push(known),
  };
  const { signal } = new AbortController();
  const base = healthyConfig.letta;
  const config = {
    ...healthyConfig,
    homeserver: { ...healthyConfig.homeserver, serverName: "example.org:8448" },
    letta: { ...base, attachTools: true, matrixTools: ["list_agents"] },
    api: { ...healthyConfig.api, publicUrl: "https://agents.example.org" },
  };
  await attachedTools(config, letta, tokens, notes, clock)?.attach("agent-1", signal);
  const name = "letta-matrix-example.org_8448";
  expect(offers).toEqual([{ name, url: "https://agents.example.org/mcp", tools: ["list_agents"] }]);
  const off = { ...config, letta: { ...config.letta, attachTools: false } };
  await attachedTools(off, letta, tokens, notes, clock)?.attach("agent-1", signal);
  await attachedTools(off, letta, tokens, notes, clock)?.detach("agent-1", signal);
  expect([offers.length, detached, withdrawn]).toEqual([1, [], [name]]);
  expect(attachedTools(config, {}, tokens, notes, clock)).toBeUndefined();
});
