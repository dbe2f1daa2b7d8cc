import { afterEach, describe, expect, it } from "vitest";
import { AppServerBackend } from "../../../src/letta/app-server/backend.ts";
import type { AgentSummary } from "../../../src/letta/port.ts";
import { type Answering, agreeable, type FakeServer, type Sent, startFakeServer } from "./fake-server.ts";

const never = new AbortController().signal;

interface Query {
  readonly limit: number;
  readonly after?: string;
}

let server: FakeServer;
let backend: AppServerBackend;

afterEach(async () => {
  await backend.close();
  await server.close();
});

async function list(answering: Answering): Promise<readonly AgentSummary[]> {
  server = await startFakeServer(answering);
  backend = new AppServerBackend({ url: server.url, toolAllowList: [], idleTimeoutMs: 60_000 });
  return await Array.fromAsync(backend.listAgents(never));
}

const agents = Array.from({ length: 501 }, (_, n) => ({ id: `agent-${n}`, name: `Agent ${n}` }));

function pageOf(all: readonly AgentSummary[], { limit, after }: Query): readonly AgentSummary[] {
  const begin = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  return all.slice(begin, begin + limit);
}

/** Answers each request for a page; everything else as a server does in which nothing runs. */
function paging(pageAt: (query: Query, request: number) => readonly AgentSummary[] | undefined): Answering {
  let requests = 0;
  return (command: Sent) => {
    if (command.type !== "agent_list") return agreeable(command);
    const page = pageAt(command["query"] as Query, ++requests);
    const type = "agent_list_response";
    return page === undefined ? { type, success: false, error: "out of order" } : { type, success: true, agents: page };
  };
}

describe("the listing of Letta's agents", () => {
  it("#17 gives 501 agents, each once", async () => {
    const listed = await list(paging((query) => pageOf(agents, query)));
    expect(new Set(listed.map(({ id }) => id)).size).toBe(501);
    expect(listed).toHaveLength(501);
  });

  it("#17 loses nobody who moves to the front while pages are turned", async () => {
    const moved = (request: number) => {
      const [runs] = agents.splice((request * 97) % agents.length, 1);
      if (runs !== undefined) agents.unshift(runs);
      return agents;
    };
    const listed = await list(paging((query, request) => pageOf(request < 6 ? moved(request) : agents, query)));
    expect(listed).toHaveLength(501);
  });

  it("#44 fails as a whole when one page does", async () => {
    const failing = list(paging((query, request) => (request === 4 ? undefined : pageOf(agents, query))));
    await expect(failing).rejects.toMatchObject({ name: "LettaError" });
  });
});
