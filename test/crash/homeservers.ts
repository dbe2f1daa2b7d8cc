import { join } from "node:path";
import { startHomeserver } from "../servers/homeserver/start.ts";
import { type Synapse, startSynapse } from "../servers/synapse.ts";

/** The homeserver of a run: the real Synapse, or the stand-in of one, which starts in no time. */
export const homeserverKinds = ["real", "synapse", "tuwunel", "dendrite"] as const;
export type HomeserverKind = (typeof homeserverKinds)[number];

/** Starts it below `dir`, without limits. */
export function startHomeserverOf(kind: HomeserverKind, dir: string): Promise<Synapse> {
  const rateLimits = "lifted";
  if (kind === "real") return startSynapse({ dir: join(dir, "synapse"), rateLimits });
  // Whoever counts what there is needs Synapse's admin API; the product is given no administrator.
  return startHomeserver(kind, { dir: join(dir, "homeserver"), rateLimits, oddities: { hasSynapseAdmin: true } });
}
