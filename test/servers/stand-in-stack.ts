import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startAppServerStandIn } from "./app-server/stand-in.ts";
import type { AppserviceRegistration } from "./homeserver/appservice/registration.ts";
import type { HomeserverOddities } from "./homeserver/oddities.ts";
import { startHomeserver } from "./homeserver/start.ts";
import { startModel } from "./model.ts";
import type { Stack } from "./stack.ts";

export interface StandInStackOptions {
  /** What the homeserver does otherwise than Synapse. */
  readonly oddities?: Partial<HomeserverOddities>;
  /** That the homeserver knows. */
  readonly appservices?: readonly AppserviceRegistration[];
}

/** Stand-ins for a Synapse and a Letta side by side: there in no time, and without limits. */
export async function startStandInStack(dir: string, options: StandInStackOptions = {}): Promise<Stack> {
  const model = await startModel();
  const workDir = join(dir, "letta");
  await mkdir(workDir, { recursive: true });
  const [synapse, standIn] = await Promise.all([
    startHomeserver("synapse", { dir: join(dir, "synapse"), rateLimits: "lifted", ...options }),
    startAppServerStandIn({ model, toolFolder: workDir, leaseMs: 500 }),
  ]);
  const letta = { ...standIn, httpUrl: standIn.url, logFile: workDir, workDir, pid: process.pid };
  return {
    synapse,
    letta,
    model,
    async stop() {
      await Promise.all([synapse.stop(), standIn.stop()]);
      await model.stop();
    },
  };
}
