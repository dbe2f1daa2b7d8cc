import { connectPorts, createApp } from "../../../src/app.ts";
import { addressOf, agentUserId } from "../../../src/machines/addresses.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { instantLetta } from "../instant-letta.ts";
import { benchConfig } from "./config.ts";
import { serve } from "./serve.ts";

const agentId = "agent-bench";

/** The program as an application service. */
serve(async ({ baseUrl, serverName, dataFolder, human, pushes }) => {
  if (pushes === undefined) throw new Error("this subject is pushed to");
  const homeserver = { url: baseUrl, serverName, appservice: { ...pushes, rateLimited: false, exclusive: true } };
  const app = createApp(
    benchConfig({ homeserver, dataFolder, human }),
    createLogger({ level: "warn", secrets: [] }),
    (config, logger) => ({
      ...connectPorts(config, logger),
      letta: instantLetta([{ id: agentId, name: "Bench" }]),
      clock: systemClock,
    }),
  );
  await app.start();
  const ready = Promise.withResolvers<string>();
  app.host.subscribe(({ record: { id, value, context } }) => {
    const { room, intake } = { room: undefined, intake: undefined, ...Object(value) };
    // Nobody is invited before the room is ready.
    if (id !== addressOf.agent(serverName, agentId) || room !== "ready" || intake !== "pushed") return;
    if (typeof context["roomId"] === "string" && context["userId"] === agentUserId(serverName, agentId))
      ready.resolve(context["roomId"]);
  });
  return ready.promise;
});
