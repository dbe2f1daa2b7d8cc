import { join } from "node:path";
import { FailedLogins } from "../../src/actors/guests/failed-logins.ts";
import { Guests } from "../../src/actors/guests/guests.ts";
import { isAgentUser } from "../../src/machines/addresses.ts";
import { ClientServerHomeserver } from "../../src/matrix/client-server.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { bearer, former, keyed } from "../api/former/harness.ts";
import { startHomeserver } from "../servers/homeserver/start.ts";

const never = new AbortController().signal;

/** The former routes at an address of their own, before a homeserver with a person on it. */
export async function startFormerServer(folder: string) {
  const synapse = await startHomeserver("synapse", { dir: join(folder, "homeserver"), rateLimits: "lifted" });
  const { baseUrl: url, serverName } = synapse;
  const homeserver = new ClientServerHomeserver({
    baseUrl: url,
    serverName,
    registration: { kind: "shared-secret", secret: synapse.registrationSharedSecret },
  });
  const person = await homeserver.register({ localpart: "anna", password: "hers", deviceId: "HERS" }, never);
  await homeserver.as(person).createRoom({ name: "Hers" }, never);
  const guests = new Guests({
    people: homeserver.people,
    homeserver,
    logins: new FailedLogins(systemClock),
    isOurs: isAgentUser,
  });
  const { server, lines } = former({ guests, homeserver: { serverName, url } });
  const baseUrl = await server.listen({ host: "127.0.0.1", port: 0 });
  return {
    baseUrl,
    lines,
    callers: [
      ["with a token", bearer],
      ["with the internal key", keyed],
      ["as a person", { "x-access-token": person.accessToken }],
    ] as const,
    async stop() {
      await server.close();
      homeserver.close();
      await synapse.stop();
    },
  };
}
