import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { routes } from "../../src/api/v1/routes.ts";
import { scopes } from "../../src/commands/access/principal.ts";
import { bindCommands } from "../../src/commands/index.ts";
import { roomList } from "../../src/commands/status/schema.ts";
import { unused } from "../commands/untroubled.ts";
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
  const askWith = async (token?: string) => {
    const example = (await examples[command.name]?.(api)) ?? {};
    const answered = await api.ask(method, pathOf(path, example), {
      ...(token !== undefined && { token }),
      ...(example.body !== undefined && { body: example.body }),
    });
    expect(answered.text).not.toContain(said);
    return answered;
  };
  const audited = async () => (await api.audit.page(1)).entries.at(0);

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
    const outcome = scope === command.scope ? "done" : "refused";
    if (command.changes) expect(await audited()).toMatchObject({ command: command.name, outcome });
    else expect(await audited()).toEqual(before);
  });

  test("without a good token", async () => {
    const good = await api.tokenFor(scopes);
    const expired = await api.tokenFor(scopes, { expiresAt: api.clock.now() + 1_000 });
    const revoked = await api.tokenFor(scopes);
    await api.tokens.revoke(revoked.split("_")[1] ?? "");
    api.clock.advance(1_000);
    const before = await audited();
    for (const token of [
      undefined,
      "nonsense",
      `${good.slice(0, -1)}${good.endsWith("0") ? "1" : "0"}`,
      expired,
      revoked,
    ]) {
      const { status: answered, headers, body } = await askWith(token);
      expect([answered, headers["www-authenticate"], headers["content-type"], body["remedy"]], token).toEqual([
        401,
        "Bearer",
        expect.stringContaining("application/problem+json"),
        expect.any(String),
      ]);
    }
    expect(await audited()).toEqual(before);
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
