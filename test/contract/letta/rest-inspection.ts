import { expect, it } from "vitest";
import { RestBackend } from "../../../src/letta/rest/backend.ts";
import type { RestUnderContract } from "./rest-server.ts";
import { never } from "./server.ts";

/** What `doctor` is told by a server that speaks Letta's REST API. */
export function restInspectionContract(server: () => RestUnderContract): void {
  const backend = () => new RestBackend({ url: server().url, toolAllowList: [], idleTimeoutMs: 20_000 });

  it("names the agents whose model it does not have, and no others", async () => {
    const well = await server().newAgent();
    const lost = await server().newAgentOfModel("openai-proxy/no-such-model");
    const missing = await backend().missingModels(never);
    expect(missing).toContainEqual({ agentId: lost, name: "Lost", model: "openai-proxy/no-such-model" });
    expect(missing.map(({ agentId }) => agentId)).not.toContain(well);
  });

  it("names the agents' tools that it runs without asking, but for those that act within Letta", async () => {
    const tool = "fetch_webpage";
    const harmless = await server().newAgent();
    const gated = await server().newAgent(undefined, tool);
    const free = await server().newAgent("Free", tool);
    await server().ungate(free, tool);
    const found = await backend().ungatedTools(never);
    expect(found).toContainEqual({ agentId: free, name: "Free", tools: [tool] });
    const ids = found.map(({ agentId }) => agentId);
    expect(ids).not.toContain(harmless);
    expect(ids).not.toContain(gated);
  });
}
