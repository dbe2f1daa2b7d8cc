import { createApp } from "../../../src/app.ts";
import { addressOf, agentUserId } from "../../../src/machines/addresses.ts";
import { ClientServerHomeserver } from "../../../src/matrix/client-server.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { instantLetta } from "../instant-letta.ts";
import { serve } from "./serve.ts";

const agentId = "agent-bench";

serve(async ({ baseUrl, serverName, secret, dataFolder, human, apiPort }) => {
  const registration = { kind: "shared-secret", secret } as const;
  const homeserver = new ClientServerHomeserver({ baseUrl, serverName, registration });
  const app = createApp(
    {
      homeserver: { url: baseUrl, serverName, registration },
      letta: { url: "ws://unused", toolAllowList: [], toolAskList: [], matrixTools: [], idleTimeoutMs: 60_000 },
      dataFolder,
      invite: [human],
      coreUsers: {},
      space: { name: "Letta Agents", aliasLocalpart: "letta-agents" },
      discovery: { intervalMs: 600_000, graceMs: 7_200_000, disabled: [] },
      audit: { intervalMs: 3_600_000 },
      rooms: { nameTemplate: "{agent}" },
      avatars: { kind: "generated" },
      commands: { people: [] },
      invitations: { people: [], servers: [] },
      agents: { mostHops: 10 },
      history: { importLimit: 0 },
      formerClients: { legacyOpen: false },
      drafts: { ratePerSecond: 10, burst: 10 },
      api: {
        ...(apiPort !== undefined && { listen: { host: "127.0.0.1", port: apiPort } }),
        allowedHosts: [],
        allowedOrigins: [],
        ratePerMinute: 100_000,
      },
      log: { level: "warn" },
    },
    createLogger({ level: "warn", secrets: [] }),
    () => ({
      homeserver,
      people: homeserver.people,
      letta: instantLetta([{ id: agentId, name: "Bench" }]),
      clock: systemClock,
      close: async () => homeserver.close(),
    }),
  );
  await app.start();
  const ready = Promise.withResolvers<string>();
  app.host.subscribe(({ record: { id, value, context } }) => {
    if (id !== addressOf.agent(serverName, agentId) || !JSON.stringify(value).includes('"polling"')) return;
    if (typeof context["roomId"] === "string" && context["userId"] === agentUserId(serverName, agentId))
      ready.resolve(context["roomId"]);
  });
  return ready.promise;
});
