import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { addressOf } from "../../src/machines/addresses.ts";
import { recordOf } from "../actors/agent-record.ts";
import { agentCalled, installation, server } from "./installation.ts";
import { type Served, serve } from "./served.ts";

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
async function pages(path: string, list: string, limit: number) {
  api = await serve({ context: installation([...agents, guest]) });
  const token = await api.tokenFor(["agents:read", "rooms:read"]);
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

test("rooms come in pages, those of others after the agents' own", async () => {
  expect(await pages("/api/v1/rooms", "rooms", 3)).toEqual([3, 3, 2]);
});
