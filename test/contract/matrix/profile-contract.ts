import { describe } from "vitest";
import { ClientServerHomeserver, type Registration } from "../../../src/matrix/client-server.ts";
import type { HomeserverOddities } from "../../servers/homeserver/oddities.ts";
import type { StandInHomeserver } from "../../servers/homeserver/start.ts";
import { accountsContract } from "./accounts.ts";
import { noAdministrationContract } from "./administration.ts";
import { homeserverContract, started } from "./homeserver-contract.ts";
import { inspectionContract } from "./inspection.ts";
import { bySharedSecret, onServer } from "./on-server.ts";

/** Starts a stand-in in a folder. */
type StartIn = (dir: string, rateLimits: "default" | "lifted") => Promise<StandInHomeserver>;

/** All that is promised of a homeserver that is not Synapse. */
export function profileContract(name: string, oddities: HomeserverOddities, start: StartIn): void {
  homeserverContract(`${name} by its Client-Server API`, onServer(start, bySharedSecret), oddities);

  describe(`${name}, registering by token`, { timeout: 60_000 }, () => {
    let registration: Registration = { kind: "token", token: "" };
    const server = started(
      onServer(
        async (dir, rateLimits) => {
          const standIn = await start(dir, rateLimits);
          registration = { kind: "token", token: standIn.registrationToken };
          return standIn;
        },
        () => registration,
      ),
      "lifted",
    );
    accountsContract(server);
    inspectionContract(server, async () => ({ registration }), oddities);
    noAdministrationContract(server, (token) => {
      const { baseUrl, homeserver } = server();
      return new ClientServerHomeserver({
        baseUrl,
        serverName: homeserver.serverName,
        registration,
      }).administeredBy(token);
    });
  });
}
