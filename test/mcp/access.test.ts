import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { InputReader } from "../../src/api/v1/input.ts";
import { type Scope, scopes } from "../../src/commands/access/principal.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { Catalogue } from "../../src/mcp/catalogue.ts";
import type { Tool } from "../../src/mcp/tool.ts";
import { badTokens } from "../api/bad-tokens.ts";
import { examples } from "../api/examples.ts";
import { installation, room, server } from "../api/installation.ts";
import { type Served, serve } from "../api/served.ts";
import { bearingOf } from "../commands/bearing.ts";
import { unused } from "../commands/untroubled.ts";
import { call, generations, type Tools } from "./clients.ts";

/** Each tool that there is, with each token that a caller may show. */

const tools = new Catalogue(bindCommands({ ...installation(), ...unused, server, clock: { now: () => 0 } })).of("all");

// Many requests, one after the other: seconds where much else runs.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let served: Served;
let opened: Tools[];
beforeAll(async () => {
  served = await serve({ mcp: true });
  opened = [];
});
afterAll(async () => {
  for (const client of opened) await client.close().catch(() => undefined);
  await served.stop();
});

/** The arguments with which a tool does what it is for; `more` in the command's own words. */
async function argumentsOf({ command, definition: { renamed = {} } }: Tool, more: object = {}) {
  const { path, query, body } = (await examples[command.name]?.(served)) ?? {};
  const asked = { params: path, query: Object.fromEntries(new URLSearchParams(query)), body };
  const input = { ...new InputReader(command.input).read(asked), ...more };
  return Object.fromEntries(Object.entries(input).map(([field, value]) => [renamed[field] ?? field, value]));
}

function address(): URL {
  return new URL(`http://127.0.0.1:${served.port}/mcp`);
}

async function audited() {
  return {
    tried: (await served.audit.page(1)).entries.at(0),
    refused: (await served.audit.page(1, undefined, "refused")).entries.at(0),
  };
}

test("each tool is tried here, doing what it is for", () => {
  expect(tools.map(({ command }) => command.name).filter((name) => examples[name] === undefined)).toEqual([]);
  expect(tools.length).toBeGreaterThan(20);
});

describe.each(generations)("a client %s", (_, connect) => {
  const open = async (token: string | undefined) => {
    const client = await connect(address(), token === undefined ? {} : { authorization: `Bearer ${token}` });
    opened.push(client);
    return client;
  };

  test("is let in by no token that is not good, and told so by HTTP's own means", async () => {
    for (const [name, token] of await badTokens(served)) {
      await expect(open(token), name).rejects.toThrow();
      const answer = await served.ask("POST", "/mcp", {
        ...(token !== undefined && { token }),
        body: { jsonrpc: "2.0", id: 1, method: "tools/list" },
      });
      expect([answer.status, answer.headers["www-authenticate"], answer.body["remedy"]], name).toEqual([
        401,
        "Bearer",
        expect.any(String),
      ]);
    }
  });

  test.each(scopes)("with the scope %s is offered the tools that need it, and no other", async (scope) => {
    const offered = await (await open(await served.tokenFor([scope]))).listTools();
    const fitting = tools.filter(({ command }) => command.scope === scope).map(({ listed }) => listed.name);
    expect(offered.tools.map(({ name }) => name)).toEqual(fitting);
  });
});

/** The tools themselves are the same for both generations. */
describe("a client", () => {
  const withScope = new Map<Scope, Tools>();
  let own: Tools;
  let ofAnother: Tools;
  beforeAll(async () => {
    const [, connect] = generations.at(-1) ?? [];
    const open = async (given: readonly Scope[], bound: { readonly agentId?: string } = {}) => {
      const client = await connect?.(address(), { authorization: `Bearer ${await served.tokenFor(given, bound)}` });
      if (client === undefined) throw new Error("there is no client");
      opened.push(client);
      return client;
    };
    for (const scope of scopes) withScope.set(scope, await open([scope]));
    own = await open(scopes, { agentId: "agent-1" });
    ofAnother = await open(scopes, { agentId: "agent-2" });
  });

  describe.each(tools)("calling $listed.name", (tool) => {
    const { command, listed } = tool;
    const bearing = bearingOf(command);

    test.each(scopes)("with the scope %s", async (scope) => {
      const client = withScope.get(scope);
      if (client === undefined) throw new Error("nobody is connected");
      const args = await argumentsOf(tool);
      const before = await audited();
      const { isError = false, structuredContent, content } = await call(client, listed.name, args);
      if (scope === command.scope) {
        expect([isError, content]).toEqual([false, expect.anything()]);
        // A file comes as content of its own.
        const bytes = tool.definition.file === true ? { base64: "" } : {};
        expect(command.output.safeParse({ ...structuredContent, ...bytes }).error).toBeUndefined();
        if (command.changes)
          expect(await audited()).toMatchObject({ tried: { command: command.name, outcome: "done" } });
      } else {
        expect(isError).toBe(true);
        expect(content[0]?.text).toContain(`there is no tool "${listed.name}" for you here`);
        expect(await audited()).toEqual(before);
      }
    });

    test("with a token that is for its agent", async () => {
      const { isError = false, content } = await call(own, listed.name, await argumentsOf(tool));
      expect([isError, content]).toEqual([bearing.is === "lacks the scope", expect.anything()]);
    });

    test("with a token that is for another agent", async () => {
      const named = bearing.is === "refused" ? { agent: "Scout" } : {};
      const args = await argumentsOf(tool, named);
      const { isError = false, content } = await call(ofAnother, listed.name, args);
      expect([isError, content]).toEqual([bearing.is !== "served", expect.anything()]);
      if (bearing.is === "refused") {
        expect(content[0]?.text).toMatch(/does not act as "Scout"|about another agent/);
        if (command.changes)
          expect(await audited()).toMatchObject({ refused: { command: command.name, outcome: "refused" } });
      }
    });
  });

  describe.each([
    ["letta-matrix://status", "admin:read", false],
    ["letta-matrix://agents/Scout", "agents:read", false],
    [`letta-matrix://rooms/${encodeURIComponent(room)}/messages`, "messages:read", true],
  ] as const)("reading %s", (uri, needed, isAnybodys) => {
    test.each(scopes)("with the scope %s", async (scope) => {
      const read = withScope.get(scope)?.readResource({ uri });
      if (scope !== needed) return expect(read).rejects.toThrow("there is no resource");
      const { contents } = z.object({ contents: z.array(z.object({ text: z.string() })) }).parse(await read);
      expect(contents).toEqual([{ text: expect.stringMatching(/^\{/) }]);
    });

    test("with a token that is for another agent", async () => {
      const read = ofAnother.readResource({ uri });
      if (isAnybodys) expect(await read).toMatchObject({ contents: [{ uri }] });
      else await expect(read).rejects.toThrow(/there is no resource|about another agent/);
    });
  });
});

test("whoever asks more often than a token may is told how long to wait, and nobody else is", async () => {
  const limited = await serve({ mcp: true, ratePerMinute: 2 });
  const ask = async (token: string) => {
    const body = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    return limited.ask("POST", "/mcp", { token, body, headers: { accept: "application/json" } });
  };
  const [often, seldom] = [await limited.tokenFor(scopes), await limited.tokenFor(scopes)];
  const statuses = [await ask(often), await ask(often), await ask(often), await ask(seldom)];
  expect(statuses.map(({ status }) => status === 429)).toEqual([false, false, true, false]);
  expect(statuses[2]).toMatchObject({
    headers: { "retry-after": expect.stringMatching(/^\d+$/) },
    body: { remedy: expect.stringContaining("Retry-After") },
  });
  await limited.stop();
});

test("whoever sends many calls as one is refused as a whole, in a session as well: each would be a request uncounted", async () => {
  const token = await served.tokenFor(scopes);
  const headers = { accept: "application/json, text/event-stream" };
  const { headers: begun } = await fetch(address(), {
    method: "POST",
    headers: { ...headers, authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-03-26", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
    }),
  });
  const session = begun.get("mcp-session-id") ?? "";
  expect(session).not.toBe("");
  const before = await audited();
  const params = { name: "send_matrix_message", arguments: { room_id: room, message: "hello" } };
  const body = [2, 3].map((id) => ({ jsonrpc: "2.0", id, method: "tools/call", params }));
  for (const more of [{}, { "mcp-session-id": session }])
    for (const batch of [body, body.slice(1), []])
      expect(await served.ask("POST", "/mcp", { token, body: batch, headers: { ...headers, ...more } })).toMatchObject({
        status: 400,
        body: { error: { code: -32_600, message: expect.stringContaining("one message") } },
      });
  expect(await audited()).toEqual(before);
});

describe("a token that is over", () => {
  const initialize = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
  };
  const json = { accept: "application/json, text/event-stream", "content-type": "application/json" };

  /** Resolves with what was read once the stream has ended, one way or the other. */
  async function ended(answer: Response): Promise<string> {
    let read = "";
    try {
      for await (const chunk of answer.body ?? []) read += Buffer.from(chunk).toString();
    } catch {
      // It was cut.
    }
    return read;
  }

  test("takes the session's open stream along, and the session", async () => {
    const token = await served.tokenFor(scopes, { expiresAt: served.clock.now() + 60_000 });
    const headers = { ...json, authorization: `Bearer ${token}` };
    const begun = await fetch(address(), { method: "POST", headers, body: JSON.stringify(initialize) });
    await begun.text();
    const session = { ...headers, "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
    const stream = await fetch(address(), { headers: { ...session, accept: "text/event-stream" } });
    expect(stream.status).toBe(200);
    const end = ended(stream);
    served.clock.advance(60_000);
    await end;
    const list = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/list" });
    expect((await fetch(address(), { method: "POST", headers: session, body: list })).status).toBe(401);
    const other = { ...session, authorization: `Bearer ${await served.tokenFor(scopes)}` };
    expect((await fetch(address(), { method: "POST", headers: other, body: list })).status).toBe(404);
  });
});
