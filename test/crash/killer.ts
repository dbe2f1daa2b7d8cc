import { setTimeout as sleep } from "node:timers/promises";
import type { KillKind } from "./boundaries.ts";
import type { Product } from "./product.ts";
import type { World } from "./world.ts";

/** A server that can be killed and started again on its data. */
export interface Killable {
  kill(signal: NodeJS.Signals): Promise<void>;
  restart(): Promise<void>;
}

/**
 * Kills what `kind` names while the product stands still at a boundary (or has died there by itself), and starts it
 * again on its data. Resolves when all of it is up.
 */
export async function killAndRestart(kind: KillKind, product: Product, world: World, downtime: number): Promise<void> {
  const { homeserver: synapse, letta } = world;
  const { life } = product;
  const restart = async (server: Killable): Promise<void> => {
    await sleep(downtime);
    await server.restart();
  };
  switch (kind) {
    case "letta-matrix":
      await life.ended;
      return product.start();
    case "letta":
    case "synapse": {
      const server = kind === "letta" ? letta : synapse;
      await server.kill("SIGKILL");
      life.release();
      return restart(server);
    }
    case "all":
      await Promise.all([life.kill(), synapse.kill("SIGKILL"), letta.kill("SIGKILL")]);
      // The product may be back before the servers it needs.
      await Promise.all([restart(synapse), restart(letta), product.start()]);
      return;
  }
}
