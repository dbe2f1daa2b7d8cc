import { describe, expect, test } from "vitest";
import { homeserverOddityCases } from "../contract/matrix/oddities.ts";
import { bySharedSecret, onServer, type StartIn } from "../contract/matrix/on-server.ts";
import { profileContract } from "../contract/matrix/profile-contract.ts";
import { type HomeserverOddities, type HomeserverProfile, homeserverProfiles } from "../servers/homeserver/oddities.ts";
import { startHomeserver } from "../servers/homeserver/start.ts";

/** What Tuwunel's and Dendrite's stand-ins are held to. Synapse's is held to all that the real one is. */

/** Tuwunel holds each poll for five seconds at least: here it has less time. */
const hasty: Readonly<Record<HomeserverProfile, Partial<HomeserverOddities>>> = {
  synapse: {},
  tuwunel: { shortestPollMs: 1_500, longestPollMs: 3_000 },
  dendrite: {},
};

function oddOf(profile: HomeserverProfile): HomeserverOddities {
  return { ...homeserverProfiles[profile], ...hasty[profile] };
}

for (const profile of ["tuwunel", "dendrite"] as const)
  profileContract(`The stand-in of ${profile}`, oddOf(profile), (dir, rateLimits) =>
    startHomeserver(profile, { dir, rateLimits, oddities: hasty[profile] }),
  );

describe("A stand-in that is less odd than its homeserver fails the case", { timeout: 60_000 }, () => {
  for (const oddity of oddityNames()) {
    const [name, check] = homeserverOddityCases[oddity];
    test(name, async () => {
      const profile = oddestIn(oddity);
      const ordinary = { [oddity]: homeserverProfiles.synapse[oddity] };
      const start: StartIn = (dir, rateLimits) =>
        startHomeserver(profile, { dir, rateLimits, oddities: { ...hasty[profile], ...ordinary } });
      const server = await onServer(start, bySharedSecret)(oddity === "rateLimits" ? "default" : "lifted");
      await expect(check(server, oddOf(profile))).rejects.toThrow();
      await server.stop();
    });
  }
});

function oddityNames(): (keyof HomeserverOddities)[] {
  return Object.keys(homeserverOddityCases) as (keyof HomeserverOddities)[];
}

/** A homeserver that differs there from Synapse. */
function oddestIn(oddity: keyof HomeserverOddities): HomeserverProfile {
  const isOdd = (profile: HomeserverProfile): boolean =>
    homeserverProfiles[profile][oddity] !== homeserverProfiles.synapse[oddity];
  const profile = (["tuwunel", "dendrite"] as const).find(isOdd);
  if (profile === undefined) throw new Error(`no homeserver is odd in ${oddity}`);
  return profile;
}
