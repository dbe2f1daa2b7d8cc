import { join } from "node:path";
import { type ActorOptions, actorOptionsOf, coreUsersOf, isOurUser, reconfigureActors } from "./actor-options.ts";
import { Adoption, type Inherited } from "./actors/adoption/adoption.ts";
import { agentBehaviour } from "./actors/agent/behaviour.ts";
import { auditBehaviour } from "./actors/audit/behaviour.ts";
import { Care } from "./actors/care.ts";
import { conversationBehaviour } from "./actors/conversation/behaviour.ts";
import { SendBudgets } from "./actors/conversation/draft-budget.ts";
import { GrowingAnswers } from "./actors/conversation/growing.ts";
import { Markdown } from "./actors/conversation/markdown.ts";
import { coreUserBehaviour } from "./actors/core-user/behaviour.ts";
import { Directory } from "./actors/directory.ts";
import { discoveryBehaviour } from "./actors/discovery/behaviour.ts";
import { exemptResidents } from "./actors/exemptions.ts";
import { outboxBehaviour } from "./actors/outbox/behaviour.ts";
import { type CredentialVault, type Identity, Sessions } from "./actors/sessions.ts";
import { spaceBehaviour } from "./actors/space/behaviour.ts";
import { agentTools } from "./agent-tools.ts";
import { attachedTools } from "./attached-tools.ts";
import { callersOf } from "./callers.ts";
import { AnswerWatch } from "./commands/agents/answer-watch.ts";
import { Waits } from "./commands/agents/waits.ts";
import { bindCommands } from "./commands/index.ts";
import { ownVersion } from "./commands/system/own-version.ts";
import { Changes } from "./commands/watch/changes.ts";
import { instanceSecret } from "./config/instance-secret.ts";
import { secretsOf } from "./config/load.ts";
import { PasswordFile } from "./config/password-file.ts";
import type { Config } from "./config/schema.ts";
import { storageOf } from "./last-known.ts";
import { addressOf } from "./machines/addresses.ts";
import { deviceIdOf } from "./matrix/device-id.ts";
import { passwordOf } from "./matrix/password.ts";
import { type OpenPatient, patientOf } from "./patient.ts";
import { type Connect, connectPorts, type Ports, paced } from "./ports.ts";
import { pushedIntake } from "./pushed-intake.ts";
import { idleStorage } from "./runtime/backup/idle-storage.ts";
import type { Clock } from "./runtime/clock.ts";
import { ensureDataFolder } from "./runtime/data-folder.ts";
import { EmbeddedHost, type EmbeddedHostOptions } from "./runtime/embedded/host.ts";
import { openStore } from "./runtime/embedded/open.ts";
import { ReopeningHost } from "./runtime/embedded/reopening-host.ts";
import { ReopeningStore } from "./runtime/embedded/reopening-store.ts";
import { assertRoom } from "./runtime/embedded/store/room.ts";
import { StoredBacklog } from "./runtime/embedded/stored-backlog.ts";
import type { Host, Notice } from "./runtime/host.ts";
import { type ChildContext, type ChildSpec, Supervisor } from "./runtime/supervisor.ts";
import { startWhole } from "./runtime/whole.ts";
import { surfacesOf } from "./surfaces.ts";
import { createLogger, type Logger } from "./telemetry/logger.ts";
import { enterTransport, leavePushes } from "./transport.ts";

export { openLastKnown } from "./last-known.ts";
export { type Connect, connectPorts, type Ports };

export interface App {
  /** Resolves when everything runs. Throws StartFailed, and then nothing runs. */
  start(): Promise<void>;
  /** Ends everything in reverse order; what is under way goes on after the next start. */
  stop(): Promise<void>;
  /** Goes on with another configuration, in all that a running process can take over. */
  reconfigure(config: Config): void;
  /** Rejects when the process can do nothing useful any more and should end. */
  readonly failed: Promise<never>;
  /** The running actors; only between `start` and `stop`. */
  readonly host: Host;
}

/** Wires everything; the only place that knows all the parts. */
export function createApp(config: Config, logger: Logger, connect: Connect = connectPorts): App {
  const options = actorOptionsOf(config);
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  let running: Running | undefined;
  return {
    failed: failure.promise,
    reconfigure(next) {
      reconfigureActors(options, actorOptionsOf(next));
      // What they could not bear may have come of the old configuration.
      for (const actor of running?.host.quarantined() ?? []) void running?.host.release(actor).catch(() => undefined);
    },
    get host() {
      if (running === undefined) throw new Error("the app has not been started");
      return running.host;
    },
    async start() {
      // Before anything is in it: LevelDB lets everybody read its files, and access tokens are among them.
      await ensureDataFolder(config.dataFolder);
      const ports = paced(connect(config, logger));
      const { supervisor } = await startWhole(async () => {
        const store = await openReopeningStore(config, logger, ports.clock, failure.reject);
        running = await startWhole(() => compose(config, options, logger, ports, store), store.close.bind(store));
        return running;
      }, ports.close);
      // Which stops again what it has started, the store and the connections among it.
      await supervisor.start();
      supervisor.ended.catch(failure.reject);
    },
    async stop() {
      await running?.supervisor.stop();
    },
  };
}

/** What whoever watches over the actors reads in the log. */
const noticed: Readonly<Record<Notice["kind"], string>> = {
  quarantined: "an actor is in quarantine: it takes nothing until somebody lets it out",
  released: "an actor was let out of quarantine",
  restarted: "an actor was started anew",
  deadLetter: "an event or an action was given up: it is a dead letter",
  replayed: "a dead letter was given again",
  dropped: "a dead letter was dropped",
};

/** What LevelDB may need to open a store whose log is full: a table of it, and tables merged. */
const roomToOpen = 16 * 1024 * 1024;

function openReopeningStore(
  { dataFolder }: Config,
  logger: Logger,
  clock: Clock,
  onLost: (error: unknown) => void,
): Promise<ReopeningStore> {
  const folder = join(dataFolder, "store");
  return ReopeningStore.open({
    open: (onFailure) => openStore(folder, onFailure),
    assertRoom: () => assertRoom(`${folder}.probe`, roomToOpen),
    clock,
    onClosed: (err) => logger.error({ err }, "nothing is taken until the store can be written again"),
    onReopened: () => logger.warn({}, "the store is open again: all go on from what it holds"),
    onLost,
  });
}

interface Running {
  readonly host: Host;
  readonly supervisor: Supervisor;
}

async function compose(
  config: Config,
  options: ActorOptions,
  logger: Logger,
  ports: Ports,
  store: ReopeningStore,
): Promise<Running> {
  const { homeserver, admin, letta, clock } = ports;
  const { serverName } = config.homeserver;
  const { botUserId } = options.rooms;
  const { secret, identity, care, sessions } = await accounts(config, logger, ports, store.vault);
  await enterTransport(ports, store.vault, sessions);
  const { wanted } = coreUsersOf(config);
  const actors: Pick<Host, "list" | "read"> = {
    list: (realm, machine, ...key) => host.list(realm, machine, ...key),
    read: (id) => host.read(id),
  };
  const directory = new Directory(actors, serverName);
  const budgets = new SendBudgets(options.drafts, clock);
  const growing = new GrowingAnswers(clock);
  const markdown = new Markdown();
  const callers = await callersOf(store.vault, () => store.current, clock, logger);
  const tools = attachedTools(config, letta, callers.tokens, store.vault, clock);
  const hosting: Omit<EmbeddedHostOptions, "store"> = {
    clock,
    jitterSeed: secret,
    behaviours: [
      discoveryBehaviour(letta, directory, clock, options.discovery),
      spaceBehaviour(sessions, directory, options.space),
      coreUserBehaviour({
        homeserver,
        sessions,
        identity,
        passwords: new PasswordFile(config.dataFolder),
        directory,
        clock,
        botUserId,
        wanted,
        ...(admin !== undefined && { admin }),
        ...(care !== undefined && { care }),
      }),
      agentBehaviour({
        sessions,
        directory,
        clock,
        rooms: options.rooms,
        invitations: options.invitations,
        commands: options.commands,
        knownSince: store.madeAt,
        pushes: ports.pushes !== undefined,
        history: options.history,
        historyOf: letta.history.bind(letta),
        ...(tools !== undefined && { tools }),
        pictureOf: (agentId) => options.picture.of(agentId),
        ...(admin !== undefined && { admin }),
      }),
      auditBehaviour(directory, options.audit),
      conversationBehaviour({ letta, sessions, directory, budgets, clock, markdown, growing }),
      outboxBehaviour({ sessions, markdown, botUserId, hostOf: (roomId) => directory.hostOf(roomId) }),
    ],
    onCrash(crash) {
      changes.touched(crash.actor);
      logger.error({ crash }, "an actor crashed");
    },
    onNotice(notice) {
      changes.touched("actor" in notice ? notice.actor : notice.letter.actor);
      logger.warn({ notice }, noticed[notice.kind]);
    },
    onUnreadable: (actor, error) =>
      logger.error({ actor, err: error }, "something of an actor cannot be read, and stays as it is"),
  };
  const host = new ReopeningHost(store, (opened) => new EmbeddedHost({ ...hosting, store: opened }));
  const changes = new Changes(host, clock);
  const { pushes } = ports;
  const intake = pushes && pushedIntake({ pushes, host, sessions, store, options, clock, logger });
  const commands = bindCommands({
    host,
    clock,
    server: serverName,
    version: ownVersion(),
    adoption: adoptionOf(ports, identity, sessions, host),
    storage: storageOf(config.dataFolder, { scan: (prefix) => store.current.scan(prefix) }, clock),
    supervision: () => supervisor.children(),
    transport: () => (intake === undefined ? { kind: "client-server" } : intake.status()),
    sessions,
    botUserId,
    waits: new Waits(),
    talk: options.talk,
    answers: new AnswerWatch(host, serverName, clock, growing),
    ...callers,
  });
  letta.offer?.(agentTools({ commands, offered: config.letta.matrixTools, logger }));
  const supervision = { clock, jitterSeed: secret, period: 600_000, backoff: { minBackoff: 200, maxBackoff: 60_000 } };
  /** What the actors do without: it is started again however often it fails. */
  const helpers: readonly ChildSpec[] = [
    ...surfacesOf({
      config,
      commands,
      changes,
      ...callers,
      clock,
      logger,
      former: { homeserver, people: ports.people, sessions, host, botUserId },
    }),
    ...(care === undefined
      ? []
      : [
          {
            id: "exemptions",
            restart: "transient" as const,
            start: async ({ signal }: ChildContext) => ({
              ended: exemptResidents({ care, directory, sessions, server: serverName, clock }, signal),
              stop: () => Promise.resolve(),
            }),
            shutdown: 0,
          },
        ]),
  ];
  const supervisor = new Supervisor({
    ...supervision,
    strategy: "rest_for_one",
    // None of these can go on by itself once it has failed.
    intensity: 0,
    children: [
      { id: "store", restart: "permanent", start: async () => ({ stop: () => store.close() }), shutdown: 5_000 },
      { id: "connections", restart: "permanent", start: async () => ({ stop: ports.close }), shutdown: 2_000 },
      ...(intake === undefined ? [] : [intake.listener]),
      {
        id: "actors",
        restart: "permanent",
        async start() {
          const stop = () => host.drain(5_000);
          await startWhole(() => host.start(), stop);
          return { stop };
        },
        shutdown: 6_000,
      },
      ...(intake === undefined ? [] : [intake.feed]),
      {
        id: "system",
        restart: "temporary",
        async start() {
          const leaving = { host, sessions, backlog: new StoredBacklog(store) };
          await leavePushes(ports, store.vault, leaving, serverName);
          // An actor comes to life with its first event; some need none of any meaning.
          await host.accept(addressOf.space(serverName), { type: "WAKE" });
          for (const userId of wanted.keys())
            await host.accept(addressOf.coreUser(serverName, userId), { type: "WAKE" });
          await host.accept(addressOf.audit(serverName), { type: "WAKE" });
          await host.accept(addressOf.discovery(serverName), { type: "LIST_NOW" });
          return { stop: () => Promise.resolve() };
        },
        shutdown: 0,
      },
      {
        id: "helpers",
        restart: "permanent",
        async start() {
          const helping = new Supervisor({
            ...supervision,
            strategy: "one_for_one",
            intensity: Number.POSITIVE_INFINITY,
            children: helpers,
            onRestart: ({ error: err, ...restart }) =>
              logger.warn({ restart, err }, "a part of the program starts again"),
          });
          await helping.start();
          return helping;
        },
        shutdown: 3_000,
      },
    ],
  });
  return { host, supervisor };
}

/** What our users log in with. */
async function accounts(config: Config, logger: Logger, { homeserver, admin, clock }: Ports, vault: CredentialVault) {
  const { serverName } = config.homeserver;
  const secret = await instanceSecret(config.dataFolder);
  const care =
    admin &&
    new Care({
      admin,
      vault,
      clock,
      isOurs: (userId) => isOurUser(serverName, userId),
      onRefused: (err) => logger.warn({ err }, "the administrator's token is not good for this"),
    });
  const identity = identityOf(secret);
  return { secret, identity, care, sessions: new Sessions(homeserver, vault, identity, care) };
}

/** Takes over what another system has made, while nothing runs. */
export async function openAdoption(config: Config) {
  await ensureDataFolder(config.dataFolder);
  const { store, vault, close } = await openStore(join(config.dataFolder, "store"), () => undefined);
  const logger = createLogger({ level: "fatal", secrets: secretsOf(config) });
  const ports = connectPorts(config, logger);
  const { secret, identity, sessions } = await accounts(config, logger, ports, vault);
  // Never started: it only reads.
  const host = new EmbeddedHost({ store, clock: ports.clock, jitterSeed: secret, behaviours: [] });
  const adoption = adoptionOf(ports, identity, sessions, host);
  const { signal } = new AbortController();
  return {
    adopt: (inherited: Inherited, dryRun: boolean) => adoption.adopt(inherited, dryRun, signal),
    async close() {
      await ports.close();
      await close();
    },
  };
}

/** The store of a data folder, whole or not, while nothing runs. */
export const openIdleStorage = idleStorage;

/** What the doctor looks at, while something runs or not. */
export function openPatient(config: Config): OpenPatient {
  const ports = connectPorts(config, createLogger({ level: "fatal", secrets: secretsOf(config) }));
  return patientOf(config, ports.letta);
}

function adoptionOf(
  { homeserver, admin, clock }: Ports,
  identity: Identity,
  sessions: Sessions,
  host: Pick<Host, "read">,
): Adoption {
  const { serverName } = homeserver;
  return new Adoption({
    homeserver,
    sessions,
    identity,
    clock,
    ...(admin !== undefined && { admin }),
    roomOf(agentId) {
      const roomId = host.read(addressOf.agent(serverName, agentId))?.context["roomId"];
      return typeof roomId === "string" ? roomId : undefined;
    },
  });
}

function identityOf(secret: string): Identity {
  return {
    passwordOf: (userId) => passwordOf(secret, userId),
    deviceIdOf: (userId) => deviceIdOf(secret, userId),
  };
}
