import { join } from "node:path";
import { agentBehaviour } from "./actors/agent/behaviour.ts";
import { auditBehaviour } from "./actors/audit/behaviour.ts";
import { conversationBehaviour } from "./actors/conversation/behaviour.ts";
import { SendBudgets } from "./actors/conversation/draft-budget.ts";
import { Markdown } from "./actors/conversation/markdown.ts";
import { Directory } from "./actors/directory.ts";
import { discoveryBehaviour } from "./actors/discovery/behaviour.ts";
import { Sessions } from "./actors/sessions.ts";
import { spaceBehaviour } from "./actors/space/behaviour.ts";
import { controlHandlers } from "./cli/control-handlers.ts";
import { bindCommands } from "./commands/index.ts";
import { instanceSecret } from "./config/instance-secret.ts";
import type { Config } from "./config/schema.ts";
import { AppServerBackend } from "./letta/app-server/backend.ts";
import type { LettaBackend } from "./letta/port.ts";
import { addressOf } from "./machines/addresses.ts";
import { ClientServerHomeserver } from "./matrix/client-server.ts";
import { deviceIdOf } from "./matrix/device-id.ts";
import { passwordOf } from "./matrix/password.ts";
import type { Homeserver } from "./matrix/port.ts";
import { portraitOf, portraitSource } from "./matrix/portrait.ts";
import { type Clock, systemClock } from "./runtime/clock.ts";
import { ensurePrivateFolder } from "./runtime/control/private-folder.ts";
import { ControlServer } from "./runtime/control/server.ts";
import { controlSocketIn } from "./runtime/control/socket-path.ts";
import { EmbeddedHost } from "./runtime/embedded/host.ts";
import { type OpenStore, openStore } from "./runtime/embedded/open.ts";
import type { Host } from "./runtime/host.ts";
import { Supervisor } from "./runtime/supervisor.ts";
import type { Logger } from "./telemetry/logger.ts";

export interface App {
  /** Resolves when everything runs. Throws StartFailed, and then nothing runs. */
  start(): Promise<void>;
  /** Ends everything in reverse order; what is under way goes on after the next start. */
  stop(): Promise<void>;
  /** Rejects when the process can do nothing useful any more and should end. */
  readonly failed: Promise<never>;
  /** The running actors; only between `start` and `stop`. */
  readonly host: Host;
}

/** What stands between the actors and the world. Tests put something of theirs in front of it. */
export interface Ports {
  readonly homeserver: Homeserver;
  readonly letta: LettaBackend;
  readonly clock: Clock;
  /** Frees the connections. */
  close(): Promise<void>;
}

const botLocalpart = "letta-matrix";

/** Wires everything; the only place that knows all the parts. */
export function createApp(config: Config, logger: Logger, connect: Connect = connectPorts): App {
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  let running: Running | undefined;
  return {
    failed: failure.promise,
    get host() {
      if (running === undefined) throw new Error("the app has not been started");
      return running.host;
    },
    async start() {
      // Before anything is in it: LevelDB lets everybody read its files, and access tokens are among them.
      await ensurePrivateFolder(config.dataFolder);
      const store = await openStore(join(config.dataFolder, "store"), (error) => {
        logger.fatal({ err: error }, "the store failed");
        failure.reject(error);
      });
      try {
        running = await compose(config, logger, connect(config, logger), store);
        await running.supervisor.start();
      } catch (error) {
        await store.close();
        throw error;
      }
    },
    async stop() {
      await running?.supervisor.stop();
    },
  };
}

export type Connect = (config: Config, logger: Logger) => Ports;

interface Running {
  readonly host: Host;
  readonly supervisor: Supervisor;
}

async function compose(
  config: Config,
  logger: Logger,
  ports: Ports,
  { store, vault, close }: OpenStore,
): Promise<Running> {
  const { homeserver, letta, clock } = ports;
  const { serverName } = config.homeserver;
  const secret = await instanceSecret(config.dataFolder);
  const sessions = new Sessions(homeserver, vault, {
    passwordOf: (userId) => passwordOf(secret, userId),
    deviceIdOf: (userId) => deviceIdOf(secret, userId),
  });
  const actors: Pick<Host, "list" | "read"> = {
    list: (realm, machine) => host.list(realm, machine),
    read: (id) => host.read(id),
  };
  const directory = new Directory(actors, serverName);
  const budgets = new SendBudgets(config.drafts, clock);
  const host = new EmbeddedHost({
    store,
    clock,
    jitterSeed: secret,
    behaviours: [
      discoveryBehaviour(letta, directory, clock, {
        interval: config.discovery.intervalMs,
        grace: config.discovery.graceMs,
        disabled: config.discovery.disabled,
      }),
      spaceBehaviour(sessions, directory, {
        server: serverName,
        botLocalpart,
        name: config.space.name,
        aliasLocalpart: config.space.aliasLocalpart,
        people: config.invite,
      }),
      agentBehaviour({
        sessions,
        directory,
        clock,
        rooms: {
          server: serverName,
          botUserId: `@${botLocalpart}:${serverName}`,
          people: config.invite,
          admins: [],
          readers: [],
          nameTemplate: config.rooms.nameTemplate,
        },
        history: { historyOf: letta.history.bind(letta), limit: config.history.importLimit },
        pictureOf: (agentId) => ({ source: portraitSource, file: portraitOf(agentId) }),
      }),
      auditBehaviour(directory, config.audit.intervalMs),
      conversationBehaviour({ letta, sessions, budgets, clock, markdown: new Markdown() }),
    ],
    onCrash: (crash) => logger.error({ crash }, "an actor crashed"),
    onUnreadable: (actor, error) => logger.error({ actor, err: error }, "an actor cannot be run by this version"),
  });
  const control = new ControlServer({
    path: controlSocketIn(config.dataFolder),
    handlers: controlHandlers(bindCommands({ host, clock, server: serverName })),
  });
  const supervisor = new Supervisor(
    [
      { id: "store", start: () => Promise.resolve(), stop: close, shutdown: 5_000 },
      { id: "connections", start: () => Promise.resolve(), stop: ports.close, shutdown: 2_000 },
      { id: "actors", start: () => host.start(), stop: () => host.drain(5_000), shutdown: 6_000 },
      {
        id: "system",
        async start() {
          // An actor comes to life with its first event; some need none of any meaning.
          await host.accept(addressOf.space(serverName), { type: "WAKE" });
          await host.accept(addressOf.audit(serverName), { type: "WAKE" });
          await host.accept(addressOf.discovery(serverName), { type: "LIST_NOW" });
        },
        stop: () => Promise.resolve(),
        shutdown: 0,
      },
      { id: "control socket", start: () => control.start(), stop: () => control.stop(), shutdown: 2_000 },
    ],
    clock,
  );
  return { host, supervisor };
}

/** The real servers, as the configuration names them. */
export function connectPorts(config: Config, logger: Logger): Ports {
  const { url, serverName, registration } = config.homeserver;
  const homeserver = new ClientServerHomeserver(
    { baseUrl: url, serverName, registration },
    { onMalformed: (part) => logger.warn({ part }, "the homeserver sent something malformed, which was left out") },
  );
  const { token, toolAllowList, idleTimeoutMs } = config.letta;
  const letta = new AppServerBackend({
    url: appServerSocket(config.letta.url),
    ...(token !== undefined && { token }),
    toolAllowList,
    idleTimeoutMs,
  });
  return {
    homeserver,
    letta,
    clock: systemClock,
    async close() {
      homeserver.close();
      await letta.close();
    },
  };
}

/** The App Server listens for clients at `/ws` of the address it was told to listen at. */
function appServerSocket(url: string): string {
  return new URL(url).pathname === "/" ? new URL("/ws", url).href : url;
}
