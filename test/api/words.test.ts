import { afterEach, describe, expect, test } from "vitest";
import type { Scope } from "../../src/commands/access/principal.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { recordOf } from "../actors/agent-record.ts";
import { agentCalled, installation, server } from "./installation.ts";
import { type Served, serve } from "./served.ts";

/** What is written for operators, and names what nobody else has to know. */

let api: Served | undefined;
afterEach(() => api?.stop());

const wait = { reason: "canary at 10.0.0.7", remedy: "Look at http://10.0.0.7:8008, canary.", since: 5 };
const troubles = { intake: { kind: "unreachable", tries: 3, repeats: 3, retryAfterMs: 0, wait } };
const paused = { since: 7, reason: "canary: too dear" };
const own = agentCalled("Scout", "agent-1");
const scout = { ...own, context: { ...own.context, wait, troubles, paused } };
const talk = recordOf({
  id: addressOf.conversation(server, "agent-1", "!guests:example.org"),
  machine: "conversation",
  context: { agentId: "agent-1", roomId: "!guests:example.org", queue: [], wait },
});
const space = recordOf({
  id: addressOf.space(server),
  machine: "space",
  context: { parts: 1, given: 0, capacity: 200, wait },
});
const reading: readonly Scope[] = ["agents:read", "rooms:read"];
const paths = ["/agents", "/agents/Scout", "/rooms", "/space"];

async function answers(scopes: readonly Scope[], bound: { readonly agentId?: string } = {}) {
  api = await serve({ context: installation([scout, talk, space]) });
  const { ask, tokenFor } = api;
  const token = await tokenFor(scopes, bound);
  return Promise.all(paths.map((path) => ask("GET", `/api/v1${path}`, { token })));
}

describe("why an actor waits or is paused, and what to do about it", () => {
  test("is told to operators", async () => {
    const told = await answers([...reading, "admin:read"]);
    for (const { text } of told) expect(text).toContain(wait.remedy);
    for (const { text } of told.slice(0, 2)) expect(text).toContain(paused.reason);
  });

  test.each([
    ["may read agents and rooms alone", reading, {}],
    ["acts as an agent", [...reading, "admin:read"] as const, { agentId: "agent-1" }],
  ])("is not told to who %s: only that it does, and since when", async (_, scopes, bound) => {
    const told = await answers(scopes, bound);
    for (const { status, text } of told) expect([status, text.includes("canary")]).toEqual([200, false]);
    const [agents, agent] = told.map(({ body }) => body);
    const known = { paused: { since: 7 }, wait: { since: 5, reason: "operators are told why" } };
    expect(agents).toMatchObject({ agents: [known] });
    expect(agent).toMatchObject({ agent: known, concerns: [{ concern: "intake", tries: 3, since: 5 }] });
  });
});
