import { appserviceContract } from "../../contract/matrix/appservice-contract.ts";
import type { HomeserverOddities, HomeserverProfile } from "../../servers/homeserver/oddities.ts";
import { startHomeserver } from "../../servers/homeserver/start.ts";

/** Tuwunel holds each poll for five seconds at least: here it has less time. */
const oddities: Readonly<Record<HomeserverProfile, Partial<HomeserverOddities>>> = {
  synapse: {},
  tuwunel: { shortestPollMs: 1_500, longestPollMs: 3_000 },
  dendrite: {},
};

/** Holds the stand-in of one homeserver to the contract. */
export function standInContract(profile: HomeserverProfile): void {
  appserviceContract(
    `The stand-in of ${profile}`,
    (dir, rateLimits, registration) =>
      startHomeserver(profile, { dir, rateLimits, oddities: oddities[profile], appservices: [registration] }),
    profile,
  );
}
