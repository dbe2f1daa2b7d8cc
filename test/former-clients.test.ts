import Fastify from "fastify";
import { expect, test } from "vitest";
import { formerClientsAt, OpenToOthers } from "../src/former-clients.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { town } from "./actors/town.ts";
import { unused } from "./commands/untroubled.ts";
import { FakePeople } from "./ports/fake-people.ts";

async function options(legacyOpen: boolean) {
  const { homeserver, sessions, clock } = await town();
  return {
    config: {
      homeserver: { url: "http://homeserver:8008", serverName: "test", registration: { kind: "token", token: "x" } },
      formerClients: { legacyOpen },
    },
    homeserver,
    people: new FakePeople(homeserver),
    sessions,
    host: { async *list() {}, read: () => undefined },
    commands: [],
    authentication: { principalOf: () => undefined },
    audit: unused.audit,
    botUserId: "@letta-matrix:test",
    ratePerMinute: 100,
    clock,
    logger: createLogger({ level: "fatal", secrets: [] }),
  } as const;
}

test("whoever lets everybody in serves nobody where others reach it", async () => {
  const open = await options(true);
  for (const address of ["0.0.0.0", "::", "192.168.1.7"])
    expect(() => formerClientsAt(address, open)).toThrow(OpenToOthers);
  expect(() => formerClientsAt("127.0.0.1", open)).not.toThrow();
  expect(() =>
    formerClientsAt("0.0.0.0", { ...open, config: { ...open.config, formerClients: { legacyOpen: false } } }),
  ).not.toThrow();
});

test("people act by their own tokens, and what is told of agents that are not here is nobody's", async () => {
  const given = await options(true);
  const server = Fastify();
  await server.register(async (root) => formerClientsAt("127.0.0.1", given)(root));
  const { accessToken } = given.homeserver.sessionOf("@anna:test");
  const rooms = await server.inject({ url: "/rooms/list", headers: { "x-access-token": accessToken } });
  expect(rooms.json()).toMatchObject({ success: true });
  const told = await server.inject({
    method: "POST",
    url: "/webhooks/letta/agent-response",
    payload: {
      id: "1",
      event_type: "agent.run.completed",
      agent_id: "agent-9",
      data: { messages: [{ message_type: "assistant_message", content: "hello" }] },
    },
  });
  expect({ status: told.statusCode, body: told.json() }).toMatchObject({ status: 404, body: { success: false } });
});
