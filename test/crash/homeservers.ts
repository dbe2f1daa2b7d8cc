import { join } from "node:path";
import type { AppserviceRegistration } from "../servers/homeserver/appservice/registration.ts";
import { startHomeserver } from "../servers/homeserver/start.ts";
import { type Synapse, startSynapse } from "../servers/synapse.ts";

/** The homeserver of a run: the real Synapse, or the stand-in of one, which starts in no time. */
export const homeserverKinds = ["real", "synapse", "tuwunel", "dendrite"] as const;
export type HomeserverKind = (typeof homeserverKinds)[number];

/** Starts it below `dir`, without limits. */
export function startHomeserverOf(
  kind: HomeserverKind,
  dir: string,
  appservices: readonly AppserviceRegistration[] = [],
): Promise<Synapse> {
  const rateLimits = "lifted";
  if (kind === "real") return startSynapse({ dir: join(dir, "synapse"), rateLimits, appservices });
  // Whoever counts what there is needs Synapse's admin API; the product is given no administrator.
  const oddities = { hasSynapseAdmin: true };
  return startHomeserver(kind, { dir: join(dir, "homeserver"), rateLimits, oddities, appservices });
}
