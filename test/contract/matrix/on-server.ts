import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { ClientServerHomeserver, type Registration } from "../../../src/matrix/client-server.ts";
import { registerUser } from "../../servers/matrix-users.ts";
import type { Synapse } from "../../servers/synapse.ts";
import { besidesThePort, type Outside, type StartServer } from "./server.ts";

/** Starts Synapse, or what stands for it, in a folder. */
export type StartIn = (dir: string, rateLimits: "default" | "lifted") => Promise<Synapse>;

/** What users are registered with. */
export type Registering = (server: Synapse) => Registration | Promise<Registration>;

/** The Client-Server adapter on a server with a folder of its own. */
export function onServer(start: StartIn, registering: Registering): StartServer {
  return async (rateLimits) => {
    const dir = await mkdtemp(join(tmpdir(), "matrix-contract-"));
    const server = await start(dir, rateLimits);
    const { baseUrl, serverName } = server;
    const homeserver = new ClientServerHomeserver({ baseUrl, serverName, registration: await registering(server) });
    const outside: Outside = { baseUrl, acting: ({ accessToken: token }) => ({ token }) };
    return {
      homeserver,
      people: homeserver.people,
      ...outside,
      ...besidesThePort(outside),
      async crash() {
        await server.kill("SIGKILL");
        await server.restart();
      },
      async stop() {
        homeserver.close();
        await server.stop();
        await rm(dir, { recursive: true, force: true });
      },
    };
  };
}

export async function administratorOf(server: Synapse): Promise<string> {
  const localpart = `admin-${randomUUID()}`;
  return (await registerUser(server, localpart, { admin: true })).accessToken;
}

export const bySharedSecret: Registering = ({ registrationSharedSecret: secret }) => ({
  kind: "shared-secret",
  secret,
});

export const byToken: Registering = async (server) => {
  const response = await fetch(`${server.baseUrl}/_synapse/admin/v1/registration_tokens/new`, {
    method: "POST",
    headers: { authorization: `Bearer ${await administratorOf(server)}` },
    body: "{}",
  });
  const { token } = z.object({ token: z.string() }).parse(await response.json());
  return { kind: "token", token };
};
