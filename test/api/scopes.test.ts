import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asksByQuery, fieldsIn, type Route, routes } from "../../src/api/v1/routes.ts";
import { scopes } from "../../src/commands/access/principal.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { roomList } from "../../src/commands/status/schema.ts";
import { bearingOf } from "../commands/bearing.ts";
import { unused } from "../commands/untroubled.ts";
import { badTokens } from "./bad-tokens.ts";
import { type Example, examples } from "./examples.ts";
import { installation, said, server } from "./installation.ts";
import { type Served, serve } from "./served.ts";

const commands = new Map(
  bindCommands({ ...installation(), ...unused, server, clock: { now: () => 0 } }).map((one) => [one.name, one]),
);
const served = routes.flatMap((route) => {
  const command = commands.get(route.command);
  return command === undefined ? [] : [{ ...route, command }];
});

function pathOf(template: string, { path = {}, query }: Example): string {
  const filled = template.replaceAll(/\{(\w+)\}/g, (_, field) => encodeURIComponent(path[field] ?? "missing"));
  return `/api/v1${filled}${query === undefined ? "" : `?${query}`}`;
}

/** The same request, about this agent. */
function about(example: Example, route: Pick<Route, "method" | "path">, agent: string | undefined): Example {
  if (agent === undefined) return example;
  if (fieldsIn(route.path).includes("agent")) return { ...example, path: { ...example.path, agent } };
  if (asksByQuery(route)) return { ...example, query: [example.query, `agent=${agent}`].filter(Boolean).join("&") };
  return { ...example, body: { ...Object(example.body), agent } };
}

let api: Served;
beforeAll(async () => {
  api = await serve();
});
afterAll(() => api.stop());

test("each route that is served is tried here", () => {
  expect(served.map(({ command }) => command.name).filter((name) => examples[name] === undefined)).toEqual([]);
  expect(served.length).toBeGreaterThan(10);
});

describe.each(served)("$method $path", ({ method, path, command, status = 200 }) => {
  const bearing = bearingOf(command);
  /** `named`: in the place of the agent that the example is about, or besides. */
  const askWith = async (token?: string, named?: string) => {
    const example = about((await examples[command.name]?.(api)) ?? {}, { method, path }, named);
    const answered = await api.ask(method, pathOf(path, example), {
      ...(token !== undefined && { token }),
      ...(example.body !== undefined && { body: example.body }),
    });
    expect(answered.text).not.toContain(said);
    return answered;
  };
  const audited = async () => ({
    tried: (await api.audit.page(1)).entries.at(0),
    refused: (await api.audit.page(1, undefined, "refused")).entries.at(0),
  });

  test.each(scopes)("with the scope %s", async (scope) => {
    const token = await api.tokenFor([scope]);
    const before = await audited();
    const { status: answered, body } = await askWith(token);
    if (scope === command.scope) {
      expect([answered, body["detail"]]).toEqual([status, undefined]);
      expect(command.output.safeParse(body).error).toBeUndefined();
    } else {
      expect([answered, body["detail"]]).toEqual([403, expect.stringContaining(command.scope)]);
    }
    const kept = scope === command.scope ? "tried" : "refused";
    const outcome = scope === command.scope ? "done" : "refused";
    if (command.changes)
      expect(await audited()).toEqual({
        ...before,
        [kept]: expect.objectContaining({ command: command.name, outcome }),
      });
    else expect(await audited()).toEqual(before);
  });

  test("without a good token", async () => {
    const bad = await badTokens(api);
    const before = await audited();
    for (const [name, token] of bad) {
      const { status: answered, headers, body } = await askWith(token);
      expect([answered, headers["www-authenticate"], headers["content-type"], body["remedy"]], name).toEqual([
        401,
        "Bearer",
        expect.stringContaining("application/problem+json"),
        expect.any(String),
      ]);
    }
    expect(await audited()).toEqual(before);
  });

  test("with a token that is for its agent", async () => {
    const token = await api.tokenFor(scopes, { agentId: "agent-1" });
    const { status: answered, body } = await askWith(token);
    if (bearing.is === "lacks the scope")
      expect([answered, body["detail"]]).toEqual([403, expect.stringContaining(command.scope)]);
    else expect([answered, body["detail"]]).toEqual([status, undefined]);
  });

  test("with a token that is for another agent", async () => {
    const token = await api.tokenFor(scopes, { agentId: "agent-2" });
    const { status: answered, body } = await askWith(token, bearing.is === "refused" ? "Scout" : undefined);
    if (bearing.is === "served") return expect([answered, body["detail"]]).toEqual([status, undefined]);
    expect([answered, body["detail"], body["remedy"]]).toEqual([
      403,
      expect.stringMatching(bearing.is === "refused" ? /does not act as "Scout"|about another agent/ : command.scope),
      expect.any(String),
    ]);
    if (command.changes)
      expect(await audited()).toMatchObject({ refused: { command: command.name, outcome: "refused" } });
  });
});

describe("a token that is for one agent", () => {
  test("shows that agent closely, and no other", async () => {
    const token = await api.tokenFor(["agents:read"], { agentId: "agent-1" });
    expect((await api.ask("GET", "/api/v1/agents/Scout", { token })).status).toBe(200);
    const { status, body } = await api.ask("GET", "/api/v1/agents/Muse", { token });
    expect([status, body["detail"]]).toEqual([403, expect.stringContaining("another agent")]);
  });

  test("shows that agent's rooms, and no other's", async () => {
    const roomsWith = async (agentId?: string) => {
      const token = await api.tokenFor(["rooms:read"], { ...(agentId !== undefined && { agentId }) });
      return roomList.parse((await api.ask("GET", "/api/v1/rooms", { token })).body).rooms.map((room) => room.agentId);
    };
    expect(await roomsWith("agent-1")).toEqual(["agent-1"]);
    expect(await roomsWith()).toEqual(["agent-1", "agent-2"]);
  });

  test("is for no operator: people write to agents", async () => {
    const token = await api.tokenFor(["admin:control"]);
    const body = { name: "tools", agent: "Scout", scopes: ["messages:send", "admin:control"] };
    const refused = await api.ask("POST", "/api/v1/tokens", { token, body });
    expect([refused.status, refused.body["detail"]]).toEqual([400, expect.stringContaining("admin scopes")]);
    const made = await api.ask("POST", "/api/v1/tokens", { token, body: { ...body, scopes: ["messages:send"] } });
    expect([made.status, made.body["agentId"]]).toEqual([201, "agent-1"]);
  });
});
