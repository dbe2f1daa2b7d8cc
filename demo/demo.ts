import { statusQuery } from "../src/commands/status/status.ts";
import { agentUserId } from "../src/machines/addresses.ts";
import { ClientServerHomeserver } from "../src/matrix/client-server.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { type CastMember, ensureCast, roles } from "./cast.ts";
import { type Line, playConversation } from "./conversation.ts";
import { holdDataFolder } from "./data-folder.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import { type Scene, showScene, showWhatNext } from "./guide.ts";
import { type Human, logInHuman } from "./human.ts";
import { keepRunning } from "./keep-running.ts";
import { chooseModel, type ModelChoice, type ModelEnvironment } from "./model.ts";
import { checkPrerequisites } from "./prerequisites.ts";
import { type AgentRooms, joinAgentRooms } from "./rooms.ts";
import { installServers, type Scope, type Servers, startServers } from "./servers.ts";
import { unlessAborted } from "./stop-request.ts";

export interface DemoOptions {
  /** Where everything is kept; absolute. */
  readonly folder: string;
  /** Ends after the conversation. */
  readonly once: boolean;
}

/** The agents' users, rooms and invitations: seconds, unless something is wrong. */
const agentsWithinMs = 90_000;

/** Checks and installs what the demo needs. Leaves nothing running, however it ends. */
export async function prepareDemo(
  { folder, env }: DemoOptions & { readonly env: ModelEnvironment },
  scope: Scope,
): Promise<ModelChoice> {
  const choice = chooseModel(env);
  await checkPrerequisites();
  scope.started.defer(await holdDataFolder(folder));
  await installServers(scope);
  return choice;
}

/** Plays the whole demo; tells whether every answer came. Rejects with the reason of `scope.stop` when that is aborted. */
export async function runDemo({ folder, once }: DemoOptions, choice: ModelChoice, scope: Scope): Promise<boolean> {
  const { screen, started } = scope;
  const servers = await startServers(folder, choice, scope);

  // From here on something can go wrong at any time, and ends the demo like a wish to stop.
  const trouble = new AbortController();
  const stop = AbortSignal.any([scope.stop, trouble.signal]);
  keepServersRunning(servers, scope, trouble);
  const cast = await unlessAborted(
    stop,
    screen.step("agents", ensureCast(servers.letta.url, servers.letta.modelHandle), () =>
      roles.map(({ name }) => name).join(", "),
    ),
  );
  const human = await enter(servers, folder, scope, stop);
  const gateway = await createGateway(folder, servers, human.userId);
  const rooms = await screen.step(
    "letta-matrix",
    startGateway(gateway, { cast, human, started, trouble, stop }),
    () => `${cast.length} agents are on Matrix`,
  );
  const agents = cast.flatMap(({ role, agentId }) => {
    const room = rooms.rooms.get(agentId);
    return room === undefined ? [] : [{ name: role.name, agentId, room }];
  });
  const scene: Scene = {
    homeserver: servers.synapse.baseUrl,
    human,
    spaceName: gateway.config.space.name,
    spaceAlias: rooms.spaceAlias,
    agents,
    model: choice.kind === "real" ? choice.title : "a stand-in; npm run demo -- --help tells how to use a real one",
    folder,
    logFile: gateway.logFile,
    pids: [
      { name: "Synapse", pid: servers.synapse.pid },
      { name: "Letta", pid: servers.letta.pid },
    ],
  };
  showScene(screen, scene);
  const answered = await playConversation({
    client: human.client,
    screen,
    lines: openingLines.flatMap(({ to, text }): Line[] =>
      agents
        .filter(({ name }) => name === to)
        .map(({ name, agentId, room: { roomId } }) => ({
          agentName: name,
          agentUserId: agentUserId(servers.synapse.serverName, agentId),
          roomId,
          text,
        })),
    ),
    withinMs: choice.kind === "real" ? 180_000 : 60_000,
    advice: choice.kind === "real" ? choice.advice : `${gateway.logFile} may tell why.`,
    stop,
  });
  if (once) return answered;
  showWhatNext(screen, scene);
  screen.line();
  screen.line("Ctrl-C stops everything.");
  await unlessAborted(stop, new Promise<never>(() => undefined));
  return answered;
}

const openingLines = [
  { to: "Scout", text: "Hello Scout! Who are you, and what is your secret word?" },
  { to: "Librarian", text: "Hello Librarian! Is your secret word the same as Scout's?" },
];

function keepServersRunning({ synapse, letta }: Servers, { screen, started }: Scope, trouble: AbortController): void {
  const ending = new AbortController();
  const kept = [
    { name: "Synapse", server: synapse },
    { name: "Letta", server: letta },
  ];
  const report = {
    ended: (name: string) => screen.hint(`${name} has ended: starting it again.`),
    restarted: (name: string, pid: number) => screen.hint(`${name} runs again, as process ${pid}.`),
  };
  const keeping = keepRunning(kept, report, ending.signal).catch((error: unknown) => trouble.abort(error));
  started.defer(() => {
    ending.abort();
    return keeping;
  });
}

async function enter({ synapse }: Servers, folder: string, { started }: Scope, stop: AbortSignal): Promise<Human> {
  const { baseUrl, serverName, registrationSharedSecret: secret } = synapse;
  const registration = { kind: "shared-secret", secret } as const;
  const homeserver = new ClientServerHomeserver({ baseUrl, serverName, registration });
  started.defer(() => homeserver.close());
  return logInHuman(homeserver, folder, stop);
}

interface Company {
  readonly cast: readonly CastMember[];
  readonly human: Human;
  readonly started: AsyncDisposableStack;
  readonly trouble: AbortController;
  readonly stop: AbortSignal;
}

/** Starts letta-matrix, and resolves when the person is in every agent's room. */
async function startGateway(gateway: Gateway, { cast, human, started, trouble, stop }: Company): Promise<AgentRooms> {
  const { app, config } = gateway;
  await app.start();
  started.defer(() => app.stop());
  app.failed.catch((error: unknown) => trouble.abort(error));
  const late = AbortSignal.timeout(agentsWithinMs);
  try {
    return await joinAgentRooms(
      human.client,
      {
        serverName: config.homeserver.serverName,
        agentIds: cast.map(({ agentId }) => agentId),
        spaceAliasLocalpart: config.space.aliasLocalpart,
      },
      AbortSignal.any([stop, late]),
    );
  } catch (error) {
    stop.throwIfAborted();
    throw late.aborted ? await notReady(gateway, error) : error;
  }
}

/** Why the agents are not where they should be, in their own words. */
async function notReady({ app, config, logFile }: Gateway, cause: unknown): Promise<Error> {
  const status = await statusQuery.run(
    {},
    { host: app.host, clock: systemClock, server: config.homeserver.serverName },
    {
      principal: { name: "demo", scopes: new Set(["admin:read"]) },
      requestId: "demo",
      signal: AbortSignal.timeout(5_000),
    },
  );
  const waits = [status.discovery, status.space, ...status.agents].flatMap((actor) => actor?.wait?.reason ?? []);
  const reasons = [...new Set([...waits, ...status.troubles.map(({ error }) => error)])];
  const message = [`the agents are not in their rooms after ${agentsWithinMs / 1_000} s`, ...reasons].join("\n");
  return Object.assign(new Error(message, { cause }), { remedy: `${logFile} tells more.` });
}
