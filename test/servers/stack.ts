import { join } from "node:path";
import type { AppserviceRegistration } from "./homeserver/appservice/registration.ts";
import type { InstallOptions } from "./install.ts";
import { type Letta, type LettaModel, startLetta } from "./letta.ts";
import { type Model, type ModelOptions, startModel } from "./model.ts";
import { type Synapse, type SynapseOptions, startSynapse } from "./synapse.ts";

export interface StackOptions {
  /** Data of all of them; continued when they ran in it before. */
  readonly dir: string;
  readonly rateLimits?: SynapseOptions["rateLimits"];
  /** Merged over its homeserver.yaml. */
  readonly synapse?: SynapseOptions["config"];
  /** That the homeserver knows. */
  readonly appservices?: readonly AppserviceRegistration[];
  /** A real model for Letta; the stand-in runs beside it all the same. */
  readonly lettaModel?: LettaModel;
  readonly model?: ModelOptions;
  readonly install?: InstallOptions;
}

export interface Stack {
  readonly synapse: Synapse;
  readonly letta: Letta;
  readonly model: Model;
  stop(): Promise<void>;
}

/** Starts a Synapse, a Letta and its model side by side. When one fails, none is left running. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const install = options.install === undefined ? {} : { install: options.install };
  const model = await startModel(options.model);
  const [synapse, letta] = await Promise.allSettled([
    startSynapse({
      dir: join(options.dir, "synapse"),
      ...(options.rateLimits === undefined ? {} : { rateLimits: options.rateLimits }),
      ...(options.synapse === undefined ? {} : { config: options.synapse }),
      ...(options.appservices === undefined ? {} : { appservices: options.appservices }),
      ...install,
    }),
    startLetta({ dir: join(options.dir, "letta"), model: options.lettaModel ?? model, ...install }),
  ]);
  if (synapse.status === "fulfilled" && letta.status === "fulfilled") {
    return {
      synapse: synapse.value,
      letta: letta.value,
      model,
      async stop() {
        await Promise.all([synapse.value.stop(), letta.value.stop()]);
        await model.stop();
      },
    };
  }
  const failures: unknown[] = [];
  for (const server of [synapse, letta]) {
    if (server.status === "fulfilled") await server.value.stop();
    else failures.push(server.reason);
  }
  await model.stop();
  throw failures.length === 1 ? failures[0] : new AggregateError(failures, "neither Synapse nor Letta started");
}
