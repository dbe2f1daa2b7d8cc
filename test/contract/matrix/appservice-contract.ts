import { afterEach, describe, it } from "vitest";
import { appserviceProfiles } from "../../servers/homeserver/appservice/oddities.ts";
import {
  type HomeserverOddities,
  type HomeserverProfile,
  homeserverProfiles,
} from "../../servers/homeserver/oddities.ts";
import { appserviceAccountsContract } from "./appservice-accounts.ts";
import { appserviceOddityCases } from "./appservice-oddities.ts";
import { started } from "./homeserver-contract.ts";
import { rateLimitsContract } from "./limits.ts";
import { membershipsContract } from "./memberships.ts";
import { onAppservice, type StartWithAppservice } from "./on-appservice.ts";
import { profilesContract } from "./profiles.ts";
import { pushesContract } from "./pushes.ts";
import { roomsContract } from "./rooms.ts";
import { sendingContract } from "./sending.ts";
import { signsContract } from "./signs.ts";
import { syncingContract } from "./syncing.ts";

/**
 * Holds a homeserver, and the adapters by which we are an application service of it, to what `src/matrix/port.ts` promises.
 * Whoever acts by it has no session, so that what is about sessions and passwords is said anew.
 */
export function appserviceContract(
  name: string,
  start: StartWithAppservice,
  profile: HomeserverProfile,
  { noticing }: { readonly noticing?: number } = {},
): void {
  const oddities: HomeserverOddities = homeserverProfiles[profile];
  const appserviceOddities = appserviceProfiles[profile];
  const known = {
    // There is one token, whoever logs in.
    afterLogin: true,
    afterKill: !oddities.transactionsAreForgotten,
    usersApart: !appserviceOddities.transactionsIgnoreUsers,
  };
  describe(`${name} by its Application Service API`, { timeout: 60_000 }, () => {
    // With the limits that all others have.
    const server = started(onAppservice(start, noticing), "default");
    // First what it does of which the others make use.
    describe("oddities", () => {
      afterEach(() => server().inbox.close());
      for (const [title, check] of Object.values(appserviceOddityCases))
        it(title, () => check(server(), appserviceOddities));
    });
    describe("what it pushes", () => pushesContract(server, appserviceOddities));
    // From here on nobody listens.
    describe("accounts", () => appserviceAccountsContract(server, appserviceOddities));
    describe("sending", () => sendingContract(server, known));
    describe("syncing", () => syncingContract(server));
    describe("rooms", () => {
      roomsContract(server);
      signsContract(server);
    });
    describe("memberships", () => membershipsContract(server, { reserves: true }));
    describe("profiles", () => profilesContract(server));
    describe("limits", () => rateLimitsContract(server, { rateLimits: "none" }));
  });
}
