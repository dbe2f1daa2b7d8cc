import { createApp } from "../../../src/app.ts";
import { addressOf, agentUserId } from "../../../src/machines/addresses.ts";
import { ClientServerHomeserver } from "../../../src/matrix/client-server.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { instantLetta } from "../instant-letta.ts";
import { benchConfig } from "./config.ts";
import { serve } from "./serve.ts";

const agentId = "agent-bench";

serve(async ({ baseUrl, serverName, secret, dataFolder, human, apiPort }) => {
  const registration = { kind: "shared-secret", secret } as const;
  const homeserver = new ClientServerHomeserver({ baseUrl, serverName, registration });
  const app = createApp(
    benchConfig({ homeserver: { url: baseUrl, serverName, registration }, dataFolder, human, apiPort }),
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
