import { describe, expect, it } from "vitest";
import { ClientServerHomeserver, type Registration } from "../../../src/matrix/client-server.ts";
import { HomeserverInspection } from "../../../src/matrix/inspection.ts";
import { homeserverProfiles } from "../../servers/homeserver/oddities.ts";
import type { Synapse } from "../../servers/synapse.ts";
import { accountsContract } from "./accounts.ts";
import { administrationContract, notAdministrationContract } from "./administration.ts";
import { homeserverContract, started } from "./homeserver-contract.ts";
import { inspectionContract } from "./inspection.ts";
import { administratorOf, bySharedSecret, byToken, onServer, type StartIn } from "./on-server.ts";
import { failure, never, newAccount, newUser } from "./server.ts";

const oddities = homeserverProfiles.synapse;

/** All that is promised of Synapse: `name` runs it, or something that stands for it. */
export function synapseContract(name: string, start: StartIn): void {
  homeserverContract(`${name} by its Client-Server API`, onServer(start, bySharedSecret), oddities);

  describe(`${name}, registering by token`, { timeout: 60_000 }, () => {
    let token: Registration | undefined;
    const server = started(
      onServer(start, async (synapse) => {
        token = await byToken(synapse);
        return token;
      }),
      "lifted",
    );
    accountsContract(server);
    inspectionContract(
      server,
      async () => {
        if (token === undefined) throw new Error("the server was not started");
        return { registration: token };
      },
      oddities,
    );

    const other = (registration: Registration, serverName = server().homeserver.serverName) =>
      new ClientServerHomeserver({ baseUrl: server().baseUrl, serverName, registration });

    it("says that the configured token or secret is not the homeserver's", async () => {
      const wrongToken = await failure(
        other({ kind: "token", token: "s3cret-token" }).register(newAccount("x"), never),
      );
      expect(wrongToken).toMatchObject({ kind: "forbidden", httpStatus: 401 });
      expect(wrongToken.remedy).toMatch(/registration token/);
      const wrongSecret = await failure(
        other({ kind: "shared-secret", secret: "s3cret-secret" }).register(newAccount("x"), never),
      );
      expect(wrongSecret).toMatchObject({ kind: "forbidden", httpStatus: 403 });
      expect(wrongSecret.remedy).toMatch(/registration_shared_secret/);
      expect(`${wrongToken.message} ${wrongSecret.message}`).not.toContain("s3cret");
    });

    it("says that the homeserver has another name than configured", async () => {
      const user = await newUser(server());
      const error = await failure(other({ kind: "token", token: "" }, "example.org").login(user.account, never));
      expect(error).toMatchObject({ kind: "malformed" });
      expect(error.remedy).toMatch(/server name/);
    });
  });

  describe(`${name}, with an administrator's token`, { timeout: 60_000 }, () => {
    let synapse: Synapse | undefined;
    const server = started(
      onServer(start, (running) => {
        synapse = running;
        return bySharedSecret(running);
      }),
      "default",
    );
    const running = (): Synapse => {
      if (synapse === undefined) throw new Error("the server was not started");
      return synapse;
    };
    const connect = (token: string) => {
      const { baseUrl, homeserver } = server();
      const config = {
        baseUrl,
        serverName: homeserver.serverName,
        registration: { kind: "token", token: "" },
      } as const;
      return new ClientServerHomeserver(config).administeredBy(token);
    };
    administrationContract(server, async () => connect(await administratorOf(running())));
    notAdministrationContract(server, connect);
    inspectionContract(
      server,
      async () => ({
        registration: await bySharedSecret(running()),
        adminToken: await administratorOf(running()),
      }),
      oddities,
    );

    it("tells the name that it goes by instead to whoever has an administrator's token", async () => {
      const inspected = new HomeserverInspection({
        baseUrl: server().baseUrl,
        serverName: "example.org",
        registration: await bySharedSecret(running()),
        adminToken: await administratorOf(running()),
      });
      expect(await inspected.nameVerdict(never)).toEqual({ is: "wrong", own: server().homeserver.serverName });
    });
  });
}
