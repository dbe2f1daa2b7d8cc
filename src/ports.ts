import { isOurUser } from "./actor-options.ts";
import type { Config } from "./config/schema.ts";
import { connectLetta } from "./letta/connect.ts";
import type { LettaBackend, ModelInspector, ToolAttacher, ToolTaker } from "./letta/port.ts";
import { AppserviceHomeserver } from "./matrix/appservice/homeserver.ts";
import { AppservicePushes } from "./matrix/appservice/pushes.ts";
import { SplitHomeserver } from "./matrix/appservice/split.ts";
import { ClientServerHomeserver } from "./matrix/client-server.ts";
import type { MalformedPart } from "./matrix/event.ts";
import { PacedHomeserver } from "./matrix/pacing/paced-homeserver.ts";
import { Pacer } from "./matrix/pacing/pacer.ts";
import type { Homeserver, HomeserverAdmin, PersonalAccounts, Pushes } from "./matrix/port.ts";
import { type Clock, systemClock } from "./runtime/clock.ts";
import type { Logger } from "./telemetry/logger.ts";

/** What stands between the actors and the world. Tests put something of theirs in front of it. */
export interface Ports {
  readonly homeserver: Homeserver;
  /** The sessions of people. */
  readonly people: PersonalAccounts;
  /** Where the homeserver pushes what is said. */
  readonly pushes?: Pushes;
  /** Where an administrator's token is configured. */
  readonly admin?: HomeserverAdmin;
  readonly letta: LettaBackend & Partial<ModelInspector & ToolAttacher & ToolTaker>;
  readonly clock: Clock;
  /** Frees the connections. */
  close(): Promise<void>;
}

export type Connect = (config: Config, logger: Logger) => Ports;

/** All our users together ask the homeserver at one pace. */
export function paced(ports: Ports): Ports {
  return { ...ports, homeserver: new PacedHomeserver(ports.homeserver, new Pacer(ports.clock)) };
}

/** The real servers, as the configuration names them. */
export function connectPorts(config: Config, logger: Logger): Ports {
  const { url: baseUrl, serverName, registration, appservice, adminToken } = config.homeserver;
  const onMalformed = (part: MalformedPart): void =>
    logger.warn({ part }, "the homeserver sent something malformed, which was left out");
  const homeserver = new ClientServerHomeserver({ baseUrl, serverName, registration }, { onMalformed });
  const letta = connectLetta(config.letta);
  const common = {
    ...(adminToken !== undefined && { admin: homeserver.administeredBy(adminToken) }),
    people: homeserver.people,
    letta,
    clock: systemClock,
  };
  if (appservice === undefined)
    return {
      ...common,
      homeserver,
      async close() {
        homeserver.close();
        await letta.close();
      },
    };
  const { id, listen, asToken, hsToken, exclusive } = appservice;
  if (!exclusive)
    logger.warn(
      {},
      "the registration does not keep the agents' user ids for us: `letta-matrix doctor` says what to do",
    );
  const acting = new AppserviceHomeserver({
    baseUrl,
    serverName,
    asToken,
    onMalformed,
    onSent: (sent) => pushes.sent(sent),
  });
  const pushes = new AppservicePushes({
    id,
    listen,
    hsToken,
    api: acting.itself,
    onMalformed,
    onRefused: (err) => logger.warn({ err }, "what the homeserver pushed could not be taken, and comes again"),
  });
  return {
    ...common,
    homeserver: new SplitHomeserver(acting, homeserver, (userId) => isOurUser(serverName, userId)),
    pushes,
    async close() {
      acting.close();
      homeserver.close();
      await letta.close();
    },
  };
}
