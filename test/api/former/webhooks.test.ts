import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { isSigned } from "../../../src/api/former/secrets.ts";
import { bearer, former, keyed, secrets, signature } from "./harness.ts";

const keyOf = (id: string) => `letta-run-${hash("sha256", id, "base64url")}`;
const url = "/webhooks/letta/agent-response";
const run = {
  id: "evt-1",
  event_type: "agent.run.completed",
  agent_id: "agent-1",
  timestamp: "2026-01-01T00:00:00Z",
  data: {
    run_id: "run-1",
    stop_reason: "end_turn",
    usage: { total_tokens: 5 },
    message_count: 4,
    messages: [
      { message_type: "user_message", content: "what is up?" },
      { message_type: "reasoning_message", content: "hm" },
      { message_type: "assistant_message", content: "First." },
      { message_type: "tool_call_message", content: null, name: "search" },
      {
        message_type: "assistant_message",
        content: [{ type: "text", text: "Sec" }, { type: "image" }, { type: "text", text: "ond." }],
      },
    ],
  },
};

describe("a run that ended outside of Matrix", () => {
  test("is posted by the agent's own user, once however often it is told of", async () => {
    const { call, asked, posted, judged } = former();
    for (let time = 0; time < 3; time++)
      expect(await call("POST", url, { headers: bearer, body: run })).toMatchObject({
        status: 200,
        body: { success: true, agent_id: "agent-1", posted: true, event_id: "$sent-1" },
      });
    expect(judged[0]).toEqual({
      agentId: "agent-1",
      stopReason: "end_turn",
      texts: ["First.", "Second."],
      at: Date.UTC(2026, 0, 1),
    });
    expect(asked[0]).toMatchObject({
      name: "messages.send",
      input: { room: "!one:test", text: "First.\n\nSecond.", key: keyOf("run-1") },
      principal: { agentId: "agent-1", name: "tester" },
    });
    expect(posted.size).toBe(1);
    // Told by somebody else, it is the same: neither the token nor its holder names it.
    await call("POST", url, { headers: keyed, body: run });
    expect(posted.size).toBe(1);
    for (const { principal } of asked) expect(principal).not.toHaveProperty("tokenId");
  });

  test("of an agent whose id has half a character in it is refused as what it is", async () => {
    const { call, judged } = former();
    expect(await call("POST", url, { headers: bearer, body: { ...run, agent_id: "agent-\ud83d" } })).toMatchObject({
      status: 400,
      body: { success: false, error: "agent_id: must be well-formed text" },
    });
    expect(judged).toEqual([]);
  });

  test("without a run id is known by its own", async () => {
    const { call, asked } = former();
    await call("POST", url, { headers: bearer, body: { ...run, data: { messages: run.data.messages } } });
    expect(asked).toMatchObject([{ input: { key: keyOf("evt-1") } }]);
  });

  test("that is not to be posted is acknowledged, with the reason", async () => {
    const { call, asked } = former({ verdict: { kind: "not-to-post", reason: "it answers a message in Matrix" } });
    expect(await call("POST", url, { headers: bearer, body: run })).toMatchObject({
      status: 200,
      body: { success: true, posted: false, reason: "it answers a message in Matrix" },
    });
    expect(asked).toEqual([]);
  });

  test("of which that is not known yet is not acknowledged", async () => {
    const { call, asked } = former({ verdict: { kind: "undecided", reason: "it talks", retryAfterMs: 30_000 } });
    const answer = await call("POST", url, { headers: bearer, body: run });
    expect(answer).toMatchObject({ status: 503, body: { success: false, error: expect.stringContaining("it talks") } });
    expect(answer.headers["retry-after"]).toBe("30");
    expect(asked).toEqual([]);
  });

  test("is posted by no other agent's token", async () => {
    const { call, tokens, asked, registered, audited } = former();
    tokens.set("bound", { name: "bound", agentId: "agent-2", scopes: new Set(["messages:send"]) });
    const headers = { authorization: "Bearer bound" };
    expect((await call("POST", url, { headers, body: run })).status).toBe(403);
    expect((await call("POST", "/conversations/register", { headers, body: { agent_id: "agent-1" } })).status).toBe(
      403,
    );
    expect([asked, registered]).toEqual([[], []]);
    expect(audited).toMatchObject([{ who: "bound", command: "conversations.register", outcome: "refused" }]);
  });

  test.each([{}, { agent_id: "agent-1" }, { ...run, data: 7 }, { ...run, agent_id: "" }, [], "no JSON"])(
    "lacks something: %j",
    async (body) => {
      const { call } = former();
      expect(await call("POST", url, { headers: bearer, body })).toMatchObject({
        status: 400,
        body: { success: false, error: expect.any(String) },
      });
    },
  );

  test("other events are let be", async () => {
    const { call, asked } = former();
    const body = { ...run, event_type: "agent.run.started" };
    expect(await call("POST", url, { headers: bearer, body })).toMatchObject({ status: 200, body: { posted: false } });
    expect(asked).toEqual([]);
  });
});

describe("where a secret is set", () => {
  const access = { webhookSecret: secrets.webhookSecret };
  const body = JSON.stringify(run, undefined, 1);

  test("what is signed with it is taken, by the bytes that were sent", async () => {
    const { call, clock, asked } = former({ access });
    const headers = { "x-letta-signature": signature(body, clock.now()) };
    expect((await call("POST", url, { headers, body })).status).toBe(200);
    expect(asked).toMatchObject([{ principal: { name: "letta webhook", agentId: "agent-1" } }]);
  });

  test("nothing else is: no token, no key, no other secret, body or time", async () => {
    const { call, clock, asked } = former({ access: { ...access, legacyOpen: true } });
    const now = clock.now();
    const headers = [
      {},
      bearer,
      keyed,
      { "x-letta-signature": "" },
      { "x-letta-signature": "t=,v1=" },
      { "x-letta-signature": signature(body, now, "another") },
      { "x-letta-signature": signature(`${body} `, now) },
      { "x-letta-signature": signature(body, now - 301_000) },
      { "x-letta-signature": signature(body, now + 302_000) },
      { "x-letta-signature": signature(body, now).replace(/^t=\d+/, `t=${now / 1000 + 1}`) },
      { "x-letta-signature": signature(body, now).replace(/,v1=.*/, "") },
    ];
    for (const header of headers)
      expect(await call("POST", url, { headers: header, body })).toMatchObject({
        status: 401,
        body: { success: false },
      });
    expect(asked).toEqual([]);
  });

  test("a signature is good for five minutes either way, and beside one of an older secret", () => {
    const now = 1_800_000_000_000;
    const bytes = Buffer.from("{}");
    const secret = "s";
    expect(isSigned(signature("{}", now - 300_000, secret), bytes, secret, now)).toBe(true);
    expect(isSigned(signature("{}", now + 300_000, secret), bytes, secret, now)).toBe(true);
    const [, good] = signature("{}", now, secret).split(",");
    expect(isSigned(`t=${now / 1000}, v1=${"0".repeat(64)}, ${good}`, bytes, secret, now)).toBe(true);
    expect(isSigned(`t=${now / 1000},v1=00`, bytes, secret, now)).toBe(false);
  });
});

test("/conversations/register notes an agent for five minutes", async () => {
  const { call, registered, audited } = former();
  const body = { agent_id: "agent-1", room_id: "!one:test", event_id: "$question" };
  expect(await call("POST", "/conversations/register", { headers: keyed, body })).toMatchObject({
    status: 200,
    body: { success: true, agent_id: "agent-1", expires_in: 300 },
  });
  expect(registered).toEqual(["agent-1"]);
  const about = { command: "conversations.register", target: "agent-1" };
  expect(audited).toEqual([{ who: "internal key", requestId: expect.any(String), outcome: "done", ...about }]);
  expect(await call("POST", "/conversations/register", { headers: keyed, body: {} })).toMatchObject({
    status: 400,
    body: { success: false, error: expect.any(String) },
  });
});
