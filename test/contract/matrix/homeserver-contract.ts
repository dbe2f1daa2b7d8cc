import { afterAll, beforeAll, describe } from "vitest";
import { accountsContract } from "./accounts.ts";
import { rateLimitsContract } from "./limits.ts";
import { membershipsContract } from "./memberships.ts";
import { profilesContract } from "./profiles.ts";
import { roomsContract } from "./rooms.ts";
import { sendingContract } from "./sending.ts";
import type { ServerUnderContract, StartServer } from "./server.ts";
import { syncingContract } from "./syncing.ts";

/** Holds a homeserver and its adapter to what `src/matrix/port.ts` promises. */
export function homeserverContract(name: string, start: StartServer): void {
  describe(name, { timeout: 60_000 }, () => {
    describe("without rate limits", () => {
      const server = started(start, "lifted");
      describe("accounts", () => accountsContract(server));
      describe("sending", () => sendingContract(server));
      describe("syncing", () => syncingContract(server));
      describe("rooms", () => roomsContract(server));
      describe("memberships", () => membershipsContract(server));
      describe("profiles", () => profilesContract(server));
    });
    describe("with its own rate limits", () => rateLimitsContract(started(start, "default")));
  });
}

/** Runs a server for the surrounding `describe`. */
export function started(start: StartServer, rateLimits: "default" | "lifted"): () => ServerUnderContract {
  let server: ServerUnderContract | undefined;
  beforeAll(async () => {
    server = await start(rateLimits);
  }, 300_000);
  afterAll(() => server?.stop(), 60_000);
  return () => {
    if (server === undefined) throw new Error("the server was not started");
    return server;
  };
}
