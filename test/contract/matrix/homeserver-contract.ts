import { afterAll, beforeAll, describe, it } from "vitest";
import type { HomeserverOddities } from "../../servers/homeserver/oddities.ts";
import { accountsContract } from "./accounts.ts";
import { rateLimitsContract } from "./limits.ts";
import { mediaContract } from "./media.ts";
import { membershipsContract } from "./memberships.ts";
import { homeserverOddityCases, odditiesContract } from "./oddities.ts";
import { peopleContract } from "./people.ts";
import { profilesContract } from "./profiles.ts";
import { roomsContract } from "./rooms.ts";
import { searchingContract } from "./searching.ts";
import { sendingContract } from "./sending.ts";
import type { StartServer } from "./server.ts";
import { signsContract } from "./signs.ts";
import { syncingContract } from "./syncing.ts";

/**
 * Holds a homeserver and its adapter to what `src/matrix/port.ts` promises, and to what is odd in such a homeserver: a
 * promise that some servers do not keep says so where it is, by the oddity.
 */
export function homeserverContract(name: string, start: StartServer, oddities: HomeserverOddities): void {
  describe(name, { timeout: 60_000 }, () => {
    describe("without rate limits", () => {
      const server = started(start, "lifted");
      describe("accounts", () => accountsContract(server));
      describe("people", () => peopleContract(server));
      const isKnown = !oddities.transactionsAreForgotten;
      const known = { afterLogin: isKnown, afterKill: isKnown, usersApart: true };
      describe("sending", () => sendingContract(server, known));
      describe("syncing", () => syncingContract(server));
      describe("rooms", () => {
        roomsContract(server);
        signsContract(server);
      });
      describe("memberships", () => membershipsContract(server));
      describe("profiles", () => profilesContract(server));
      describe("media", () => mediaContract(server));
      if (oddities.searches) describe("searching", () => searchingContract(server));
      describe("oddities", () => odditiesContract(server, oddities));
    });
    describe("with its own rate limits", () => {
      const server = started(start, "default");
      rateLimitsContract(server, oddities);
      const [name, check] = homeserverOddityCases.rateLimits;
      it(name, () => check(server(), oddities));
    });
  });
}

/** Runs a server for the surrounding `describe`. */
export function started<T extends { stop(): Promise<void> }>(
  start: (rateLimits: "default" | "lifted") => Promise<T>,
  rateLimits: "default" | "lifted",
): () => T {
  let server: T | undefined;
  beforeAll(async () => {
    server = await start(rateLimits);
  }, 300_000);
  afterAll(() => server?.stop(), 60_000);
  return () => {
    if (server === undefined) throw new Error("the server was not started");
    return server;
  };
}
