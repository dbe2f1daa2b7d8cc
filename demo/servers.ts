import { join } from "node:path";
import { z } from "zod";
import { ensureLetta, ensureSynapse, type InstallOptions } from "../test/servers/install.ts";
import { type Letta, type LettaModel, startLetta } from "../test/servers/letta.ts";
import { openLettaSocket } from "../test/servers/letta-socket.ts";
import { startModel } from "../test/servers/model.ts";
import { type Synapse, startSynapse } from "../test/servers/synapse.ts";
import type { ModelChoice } from "./model.ts";
import type { Screen } from "./screen.ts";
import { demoStandIn } from "./stand-in.ts";
import { unlessAborted } from "./stop-request.ts";

/** What the demo needs for starting something that it has to stop again. */
export interface Scope {
  readonly screen: Screen;
  /** What was started, in order. */
  readonly started: AsyncDisposableStack;
  /** Aborted when the demo is to end. */
  readonly stop: AbortSignal;
}

export interface Servers {
  readonly synapse: Synapse;
  readonly letta: Letta;
}

/** Installs what is missing. Stopping in the middle is safe: it is then installed anew the next time. */
export async function installServers({ screen, stop }: Scope): Promise<void> {
  const install = (name: string, ensure: (options: InstallOptions) => Promise<unknown>): Promise<unknown> => {
    let shown: Promise<unknown> | undefined;
    const work = ensure({
      progress(line) {
        shown ??= screen.step(name, work, () => "installed");
        screen.progress(name, line.replace(`${name}: `, ""));
      },
    });
    return work.then(() => shown);
  };
  await unlessAborted(stop, Promise.all([install("Synapse", ensureSynapse), install("Letta", ensureLetta)]));
}

/** Starts Synapse and Letta side by side, and the stand-in model where no other was chosen. */
export async function startServers(folder: string, choice: ModelChoice, scope: Scope): Promise<Servers> {
  const { screen, started, stop } = scope;
  const model = await modelOf(choice, started);
  // On loopback and for one person, rate limits would only make people wait.
  const synapse = startSynapse({ dir: join(folder, "synapse"), rateLimits: "lifted" });
  const letta = startLetta({ dir: join(folder, "letta"), model });
  started.defer(async () => {
    // A server that is just starting is stopped as soon as it can be.
    await Promise.all([stopStarted(synapse), stopStarted(letta, forgetKey(choice))]);
  });
  await unlessAborted(
    stop,
    Promise.all([
      screen.step("Synapse", synapse, ({ baseUrl }) => baseUrl),
      screen.step("Letta", letta, ({ url }) => url),
    ]),
  );
  return { synapse: await synapse, letta: await letta };
}

async function modelOf(choice: ModelChoice, started: AsyncDisposableStack): Promise<LettaModel> {
  if (choice.kind === "real") return choice.model;
  const model = await startModel({ behaviour: demoStandIn });
  started.defer(() => model.stop());
  return model;
}

async function stopStarted<T extends { stop(): Promise<void> }>(
  starting: Promise<T>,
  before: (server: T) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const server = await starting.catch(() => undefined);
  if (server === undefined) return;
  await before(server).catch(() => undefined);
  await server.stop();
}

/** Letta writes a provider's key down; the demo does not leave it there. */
function forgetKey(choice: ModelChoice): (letta: Letta) => Promise<void> {
  if (choice.kind !== "real" || choice.model.apiKey === undefined) return () => Promise.resolve();
  const provider = "url" in choice.model ? "openai-compatible" : choice.model.provider;
  return async ({ url }) => {
    const socket = await openLettaSocket(url);
    try {
      await socket.request({ type: "disconnect_provider", target: "local", provider_id: provider }, z.unknown());
    } finally {
      socket.close();
    }
  };
}
