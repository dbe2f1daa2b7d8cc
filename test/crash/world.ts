import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { registerUser } from "../servers/matrix-users.ts";
import { type Model, startModel } from "../servers/model.ts";
import type { Synapse } from "../servers/synapse.ts";
import { newPushAddress, type PushAddress, type TransportKind } from "../servers/transports.ts";
import { Census } from "./census.ts";
import { type HomeserverKind, startHomeserverOf } from "./homeservers.ts";
import { type LettaHandle, type LettaKind, startLettaOf } from "./lettas.ts";
import { Person } from "./person.ts";

/** Servers with people on them, for any number of runs. */
export interface World extends Servers {
  readonly people: readonly Person[];
  readonly census: Census;
  /** What the product keeps. The same for all runs, since its users are. */
  readonly dataFolder: string;
  readonly cacheFolder: string;
  readonly logFile: string;
  /** When time began to run faster, ms since 1970. */
  readonly epoch: number;
}

interface Servers {
  readonly homeserver: Synapse;
  /** Where it pushes to, if it does. */
  readonly pushAddress?: PushAddress;
  readonly letta: LettaHandle;
  readonly model: Model;
  stop(): Promise<void>;
}

export interface ServerKinds {
  readonly homeserver: HomeserverKind;
  readonly letta: LettaKind;
  /** Default: `client-server`. */
  readonly transport?: TransportKind;
}

/** The product as it stands. */
export const productSource = resolve(import.meta.dirname, "..", "..", "src");

const names = ["ada", "ben"];

/** Starts it in `dir`, which holds all of its data. */
export async function startWorld(dir: string, kinds: ServerKinds): Promise<World> {
  const epoch = Date.now();
  const servers = await startServers(dir, kinds, epoch);
  try {
    const { homeserver } = servers;
    const people: Person[] = [];
    for (const name of names) people.push(new Person(homeserver.baseUrl, await registerUser(homeserver, name)));
    const census = await Census.begin(homeserver);
    const cacheFolder = join(dir, "compiled");
    await mkdir(cacheFolder, { recursive: true });
    return {
      ...servers,
      people,
      census,
      dataFolder: join(dir, "data"),
      cacheFolder,
      logFile: join(dir, "letta-matrix.log"),
      epoch,
    };
  } catch (error) {
    await servers.stop();
    throw error;
  }
}

/** Without limits on Matrix's side, and with a Letta whose time runs faster. */
async function startServers(dir: string, kinds: ServerKinds, epoch: number): Promise<Servers> {
  const model = await startModel();
  const pushAddress = kinds.transport === "appservice" ? await newPushAddress() : undefined;
  const [homeserver, letta] = await Promise.allSettled([
    startHomeserverOf(kinds.homeserver, dir, pushAddress && [pushAddress.registration]),
    startLettaOf(kinds.letta, join(dir, "letta"), model, epoch),
  ]);
  if (homeserver.status === "fulfilled" && letta.status === "fulfilled") {
    const servers = { homeserver: homeserver.value, letta: letta.value, ...(pushAddress && { pushAddress }) };
    const stop = async (): Promise<void> => {
      await Promise.all([servers.homeserver.stop(), servers.letta.stop()]);
      await model.stop();
    };
    return { ...servers, model, stop };
  }
  await Promise.all([homeserver, letta].map((started) => started.status === "fulfilled" && started.value.stop()));
  await model.stop();
  throw homeserver.status === "rejected" ? homeserver.reason : letta.status === "rejected" && letta.reason;
}
