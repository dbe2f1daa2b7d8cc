import { describe, expect, test } from "vitest";
import { NoListing } from "../../../src/commands/discovery/run.ts";
import { bearer, former, keyed } from "./harness.ts";

test("/agents/mappings tells where each agent is, without any password, and of none that is retired", async () => {
  const { call } = former();
  const { status, body, text } = await call("GET", "/agents/mappings", { headers: bearer });
  expect(status).toBe(200);
  expect(body).toEqual({
    success: true,
    message: "2 agents",
    mappings: {
      "agent-1": {
        agent_id: "agent-1",
        agent_name: "Scout",
        matrix_user_id: "@agent_1:test",
        room_id: "!one:test",
        room_created: true,
        invitation_status: {},
      },
      "agent-2": {
        agent_id: "agent-2",
        agent_name: "agent-2",
        matrix_user_id: "@agent_2:test",
        room_id: null,
        room_created: false,
        invitation_status: {},
      },
    },
  });
  expect(text).not.toContain("password");
});

test("/agents/{id}/room tells of one, and has a detail of one that has none", async () => {
  const { call } = former();
  expect(await call("GET", "/agents/agent-1/room", { headers: bearer })).toMatchObject({
    status: 200,
    body: { success: true, agent_id: "agent-1", agent_name: "Scout", room_id: "!one:test", room_created: true },
  });
  for (const id of ["agent-2", "agent-3", "nobody", "constructor", "%00"])
    expect(await call("GET", `/agents/${id}/room`, { headers: bearer })).toMatchObject({
      status: 404,
      body: { detail: expect.any(String) },
    });
});

describe("/health/agent-provisioning", () => {
  test("counts the agents without a room", async () => {
    const { call } = former();
    expect((await call("GET", "/health/agent-provisioning", { headers: bearer })).body).toEqual({
      status: "degraded",
      total_agents: 2,
      agents_with_rooms: 1,
      agents_missing_rooms: [{ agent_id: "agent-2", agent_name: "agent-2" }],
      missing_count: 1,
    });
  });

  test.each([
    [0, "healthy"],
    [3, "degraded"],
    [4, "unhealthy"],
  ])("%i missing is %s", async (missing, status) => {
    const agents = Array.from({ length: missing }, (_, index) => ({
      agentId: `agent-${index}`,
      userId: `@agent_${index}:test`,
      regions: {},
    }));
    const { call } = former({ agents });
    expect((await call("GET", "/health/agent-provisioning", { headers: bearer })).body).toMatchObject({
      status,
      missing_count: missing,
    });
  });
});

describe("/webhook/new-agent", () => {
  test("has Letta asked for its agents", async () => {
    const { call, asked, clock } = former();
    const body = { agent_id: "agent-9", timestamp: "2026-01-01T00:00:00" };
    expect(await call("POST", "/webhook/new-agent", { headers: keyed, body })).toMatchObject({
      status: 200,
      body: {
        success: true,
        message: "Letta's agents have been listed: 1 new",
        timestamp: new Date(clock.now()).toISOString(),
      },
    });
    expect(asked).toMatchObject([{ name: "discovery.run", input: {} }]);
  });

  test("says when Letta gives no list", async () => {
    const { call, failing } = former();
    failing.set("discovery.run", new NoListing({ failed: "it is down" }));
    const answer = await call("POST", "/webhook/new-agent", { headers: keyed, body: { agent_id: "agent-9" } });
    expect(answer).toMatchObject({
      status: 503,
      body: { success: false, message: expect.stringContaining("it is down") },
    });
  });
});
