import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { startLetta } from "../servers/letta.ts";
import { lettaHaste } from "../servers/letta-haste.ts";
import { registerUser } from "../servers/matrix-users.ts";
import { startModel } from "../servers/model.ts";
import type { Stack } from "../servers/stack.ts";
import { startSynapse } from "../servers/synapse.ts";
import { Person } from "./person.ts";

/** Real servers with people on them, for any number of runs. */
export interface World {
  readonly stack: Stack;
  readonly people: readonly Person[];
  /** What the product keeps. The same for all runs, since its users are. */
  readonly dataFolder: string;
  readonly cacheFolder: string;
  readonly logFile: string;
  /** When time began to run faster, ms since 1970. */
  readonly epoch: number;
  stop(): Promise<void>;
}

/** The product as it stands. */
export const productSource = resolve(import.meta.dirname, "..", "..", "src");

const names = ["ada", "ben"];

/** Starts it in `dir`, which holds all of its data. */
export async function startWorld(dir: string): Promise<World> {
  const epoch = Date.now();
  const stack = await startServers(dir, epoch);
  try {
    const people: Person[] = [];
    for (const name of names) people.push(new Person(stack.synapse.baseUrl, await registerUser(stack.synapse, name)));
    const cacheFolder = join(dir, "compiled");
    await mkdir(cacheFolder, { recursive: true });
    return {
      stack,
      people,
      dataFolder: join(dir, "data"),
      cacheFolder,
      logFile: join(dir, "letta-matrix.log"),
      epoch,
      stop: () => stack.stop(),
    };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

/** Without limits on Matrix's side, and with a Letta whose time runs faster. */
async function startServers(dir: string, epoch: number): Promise<Stack> {
  const model = await startModel();
  const [synapse, letta] = await Promise.allSettled([
    startSynapse({ dir: join(dir, "synapse"), rateLimits: "lifted" }),
    startLetta({ dir: join(dir, "letta"), model, env: { NODE_OPTIONS: lettaHaste(epoch) } }),
  ]);
  if (synapse.status === "fulfilled" && letta.status === "fulfilled") {
    const servers = { synapse: synapse.value, letta: letta.value };
    const stop = async (): Promise<void> => {
      await Promise.all([servers.synapse.stop(), servers.letta.stop()]);
      await model.stop();
    };
    return { ...servers, model, stop };
  }
  await Promise.all([synapse, letta].map((started) => started.status === "fulfilled" && started.value.stop()));
  await model.stop();
  throw synapse.status === "rejected" ? synapse.reason : letta.status === "rejected" && letta.reason;
}
