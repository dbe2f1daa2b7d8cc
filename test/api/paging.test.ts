import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { scopes } from "../../src/commands/access/principal.ts";
import { letterStatus } from "../../src/commands/supervision/dead-letters.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { recordOf } from "../actors/agent-record.ts";
import { agentCalled, installation, letter, room, server } from "./installation.ts";
import { type Served, type ServedOptions, serve } from "./served.ts";

let api: Served | undefined;
afterEach(() => api?.stop());

const agents = Array.from({ length: 7 }, (_, n) => agentCalled(`Agent ${n}`, `agent-${n}`));
const guest = recordOf({
  id: addressOf.conversation(server, "agent-3", "!guests:example.org"),
  machine: "conversation",
  context: { agentId: "agent-3", roomId: "!guests:example.org", queue: [] },
});

const page = z.looseObject({ next: z.string().optional() });

/** What all pages have, by the field that is asked for, and how many on each. */
async function pages(path: string, list: string, limit: number, context: ServedOptions["context"] = {}) {
  api = await serve({ context: { ...installation([...agents, guest]), ...context } });
  const token = await api.tokenFor(scopes);
  for (let n = 0; n < 4; n++) await api.tokenFor(["agents:read"]);
  const sizes: number[] = [];
  const all: unknown[] = [];
  let cursor: string | undefined;
  do {
    const query = `limit=${limit}${cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
    const body = page.parse((await api.ask("GET", `${path}?${query}`, { token })).body);
    const items = z.array(z.unknown()).parse(body[list]);
    sizes.push(items.length);
    all.push(...items);
    cursor = body.next;
  } while (cursor !== undefined);
  const whole = (await api.ask("GET", `${path}?limit=1000`, { token })).body[list];
  expect(all).toEqual(whole);
  return sizes;
}

test("agents come in pages: each once, and no page is empty", async () => {
  expect(await pages("/api/v1/agents", "agents", 3)).toEqual([3, 3, 1]);
});

test("a last page that is full is the last one", async () => {
  expect(await pages("/api/v1/agents", "agents", 7)).toEqual([7]);
});

test("tokens come in pages", async () => {
  expect(await pages("/api/v1/tokens", "tokens", 2)).toEqual([2, 2, 1]);
});

test("members come in pages", async () => {
  expect(await pages(`/api/v1/rooms/${encodeURIComponent(room)}/members`, "members", 2)).toEqual([2, 1]);
});

const letters = [9, 10, 11, 100].map((n) => ({ ...letter, id: `1764130000000-${n}` }));

test("dead letters come in pages, in the order in which they came to be", async () => {
  const { host } = installation();
  const context = { host: { ...host, deadLetters: { ...host.deadLetters, list: async () => letters } } };
  expect(await pages("/api/v1/dead-letters", "letters", 3, context)).toEqual([3, 1]);
});

test("the next page is the same when all of the one before is decided about", async () => {
  const { host, ...rest } = installation();
  let left = letters;
  const context = { ...rest, host: { ...host, deadLetters: { ...host.deadLetters, list: async () => left } } };
  api = await serve({ context });
  const token = await api.tokenFor(scopes);
  const { next } = page.parse((await api.ask("GET", "/api/v1/dead-letters?limit=2", { token })).body);
  left = letters.slice(2);
  const { body } = await api.ask("GET", `/api/v1/dead-letters?cursor=${next}`, { token });
  expect(body["letters"]).toEqual(letters.slice(2).map(letterStatus));
});

test("nobody who does not say how many is given all", async () => {
  const many = Array.from({ length: 101 }, (_, n) => ({ ...letter, id: `1764130000000-${n}` }));
  const { host, ...rest } = installation();
  api = await serve({
    context: { ...rest, host: { ...host, deadLetters: { ...host.deadLetters, list: async () => many } } },
  });
  const token = await api.tokenFor(scopes);
  for (let n = 0; n < 100; n++) await api.tokenFor(["agents:read"]);
  for (const [path, list] of [
    ["/api/v1/dead-letters", "letters"],
    ["/api/v1/tokens", "tokens"],
  ] as const) {
    const { body } = await api.ask("GET", path, { token });
    expect([body[list], body["next"]]).toEqual([expect.objectContaining({ length: 100 }), expect.any(String)]);
  }
});

const nonsense = ["zzz", "WzFd", Buffer.from("null").toString("base64url"), "example.org/agent/agent-1"];

test.each(["/agents", "/rooms", "/tokens", "/dead-letters", `/rooms/${encodeURIComponent(room)}/members`])(
  "a cursor that is none of the list %s is refused, and says what to do",
  async (path) => {
    api = await serve({ context: installation([...agents, guest]) });
    const token = await api.tokenFor(scopes);
    await api.tokenFor(["agents:read"]);
    const others = ["/agents", "/tokens"].filter((other) => other !== path);
    const { ask } = api;
    const foreign = await Promise.all(
      others.map(async (other) => page.parse((await ask("GET", `/api/v1${other}?limit=1`, { token })).body).next ?? ""),
    );
    for (const cursor of [...nonsense, ...foreign]) {
      const { status, body } = await ask("GET", `/api/v1${path}?cursor=${encodeURIComponent(cursor)}`, { token });
      expect([cursor, status, body["remedy"]]).toEqual([cursor, 400, expect.stringContaining("without a cursor")]);
    }
  },
);

test("rooms come in pages, those of others after the agents' own", async () => {
  expect(await pages("/api/v1/rooms", "rooms", 3)).toEqual([3, 3, 2]);
});
