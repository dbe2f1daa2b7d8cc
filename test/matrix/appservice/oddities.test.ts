import { describe, expect, test } from "vitest";
import { appserviceOddityCases } from "../../contract/matrix/appservice-oddities.ts";
import { onAppservice } from "../../contract/matrix/on-appservice.ts";
import { type AppserviceOddities, appserviceProfiles } from "../../servers/homeserver/appservice/oddities.ts";
import { homeserverProfiles } from "../../servers/homeserver/oddities.ts";
import { startHomeserver } from "../../servers/homeserver/start.ts";

describe.concurrent("A stand-in that is odd in another way fails the case", { timeout: 60_000 }, () => {
  for (const oddity of oddityNames()) {
    const [name, check] = appserviceOddityCases[oddity];
    const own = appserviceProfiles.synapse[oddity];
    const isOther = (profile: ReturnType<typeof profiles>[number]) =>
      JSON.stringify(appserviceProfiles[profile][oddity]) !== JSON.stringify(own);
    // Nothing is refused where there is no ping.
    const hasPing = (profile: ReturnType<typeof profiles>[number]) =>
      oddity !== "refusesPingWhileRetrying" || appserviceProfiles[profile].ping !== "none";
    for (const profile of profiles().filter((one) => isOther(one) && hasPing(one)))
      test(`${name} (${profile})`, async () => {
        const appserviceOddities = { [oddity]: own };
        const server = await onAppservice((dir, rateLimits, registration) =>
          startHomeserver(profile, { dir, rateLimits, appservices: [registration], appserviceOddities }),
        )("lifted");
        await expect(check(server, appserviceProfiles[profile])).rejects.toThrow();
        await server.stop();
      });
  }
});

function oddityNames(): (keyof AppserviceOddities)[] {
  return Object.keys(appserviceOddityCases) as (keyof AppserviceOddities)[];
}

function profiles() {
  return Object.keys(homeserverProfiles) as (keyof typeof homeserverProfiles)[];
}
