import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { examine } from "../../../src/commands/doctor/doctor.ts";
import { connectLetta } from "../../../src/letta/connect.ts";
import { freePort } from "../../servers/free-port.ts";
import { startV1StandIn, type V1StandIn } from "../../servers/v1/stand-in.ts";
import { config, healthy } from "./healthy.ts";

const never = new AbortController().signal;
const apiKey = "sk-let-right";
let server: V1StandIn;

beforeAll(async () => {
  const model = { url: `http://127.0.0.1:${await freePort()}/v1`, name: "stub" };
  server = await startV1StandIn({ model, apiKey });
});
afterAll(() => server.stop());

const call = async (method: string, path: string, body: object) => {
  const headers = { "content-type": "application/json", authorization: `Bearer ${apiKey}` };
  const response = await fetch(`${server.url}${path}`, { method, headers, body: JSON.stringify(body) });
  const { id }: { id?: string } = await response.json();
  return id ?? "";
};

/** What the doctor says of a Letta at this address. */
async function findings(url: string, key: string) {
  const letta = connectLetta({ ...config.letta, url, apiKey: key });
  try {
    const found = await examine({ ...healthy, config: { ...config, letta: { ...config.letta, url } }, letta }, never);
    return found.filter(({ check }) => check.startsWith("letta"));
  } finally {
    await letta.close();
  }
}

describe("of a Letta behind its REST API the doctor finds", () => {
  test("that it refuses the key, without telling the key", async () => {
    const found = await findings(server.url, "sk-let-wrong");
    expect(found[0]).toEqual({
      check: "letta",
      severity: "error",
      message: `Letta at ${server.url} refuses the key (401)`,
      remedy: "Check letta.api_key in the configuration.",
    });
    expect(JSON.stringify(found)).not.toContain("sk-let-wrong");
  });

  test("that nobody answers at the address", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    expect((await findings(url, apiKey))[0]).toMatchObject({
      check: "letta",
      severity: "error",
      message: `the Letta server at ${url} cannot be reached (ECONNREFUSED)`,
      remedy: expect.stringContaining("Check that Letta runs there"),
    });
  });

  test("that it has no agents yet; then that all is well; then a missing model, and tools that run without asking", async () => {
    expect(await findings(server.url, apiKey)).toContainEqual({
      check: "letta",
      severity: "warning",
      message: "it answers, but has no agents",
      remedy: expect.any(String),
    });
    const scout = await call("POST", "/v1/agents/", { name: "Scout", model: "openai-proxy/stub" });
    const well = await findings(server.url, apiKey);
    expect(well.map(({ check, severity }) => [check, severity])).toEqual([
      ["letta", "ok"],
      ["letta.models", "ok"],
      ["letta.tools", "ok"],
      ["letta.tool_allow_list", "ok"],
    ]);
    await call("POST", "/v1/agents/", { name: "Lost", model: "anthropic/none" });
    await call("PATCH", `/v1/agents/${scout}/tools/attach/tool-run_code`, {});
    const found = await findings(server.url, apiKey);
    expect(found).toContainEqual({
      check: "letta.models",
      severity: "error",
      message: "it does not have the model anthropic/none of the agent Lost",
      remedy: expect.any(String),
    });
    expect(found).toContainEqual({
      check: "letta.tools",
      severity: "warning",
      message: expect.stringContaining("run_code (Scout)"),
      remedy: expect.stringContaining("need approval"),
    });
    await call("PATCH", `/v1/agents/${scout}/tools/approval/run_code`, { requires_approval: true });
    expect(await findings(server.url, apiKey)).toContainEqual({
      check: "letta.tools",
      severity: "ok",
      message: expect.any(String),
    });
  });
});
