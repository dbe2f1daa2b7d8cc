import { setTimeout as sleep } from "node:timers/promises";
import type { KillKind } from "./boundaries.ts";
import type { Product } from "./product.ts";
import type { World } from "./world.ts";

/**
 * Kills what `kind` names while the product stands still at a boundary (or has died there by itself), and starts it
 * again on its data. Resolves when all of it is up.
 */
export async function killAndRestart(kind: KillKind, product: Product, world: World, downtime: number): Promise<void> {
  const { synapse, letta } = world.stack;
  const { life } = product;
  const restart = async (server: { restart(): Promise<void> }): Promise<void> => {
    await sleep(downtime);
    await server.restart();
  };
  switch (kind) {
    case "letta-matrix":
      await life.ended;
      return product.start();
    case "letta":
    case "synapse": {
      const server = world.stack[kind];
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
