import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Directory } from "../../src/actors/directory.ts";
import { Sessions } from "../../src/actors/sessions.ts";
import { spaceBehaviour } from "../../src/actors/space/behaviour.ts";
import { AppserviceHomeserver } from "../../src/matrix/appservice/homeserver.ts";
import { ClientServerHomeserver } from "../../src/matrix/client-server.ts";
import { effectContext } from "../actors/effect-context.ts";
import { FakeVault } from "../ports/fake-vault.ts";
import { type MatrixUser, registerUser } from "../servers/matrix-users.ts";
import { type Synapse, startSynapse } from "../servers/synapse.ts";
import { pushAddressFor, transportOfRun } from "../servers/transports.ts";

const transport = transportOfRun();

const hierarchy = z.object({ rooms: z.array(z.object({ room_id: z.string(), name: z.string().optional() })) });

describe(`a space with more rooms than clients page well, on a real Synapse, by ${transport}`, () => {
  let dir: string;
  let synapse: Synapse;
  /** As anybody, by a session of their own. */
  let sessionsOf: ClientServerHomeserver;
  let acting: AppserviceHomeserver | undefined;
  let ada: MatrixUser;
  let run: (effect: string, input?: unknown) => Promise<unknown>;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "letta-matrix-parts-"));
    const registration = (await pushAddressFor(transport))?.registration;
    const appservices = registration === undefined ? [] : [registration];
    synapse = await startSynapse({ dir, rateLimits: "lifted", appservices });
    const { baseUrl, serverName, registrationSharedSecret: secret } = synapse;
    sessionsOf = new ClientServerHomeserver({
      baseUrl,
      serverName,
      registration: { kind: "shared-secret", secret },
    });
    acting = registration && new AppserviceHomeserver({ baseUrl, serverName, asToken: registration.asToken });
    ada = await registerUser(synapse, "ada");
    const identity = { passwordOf: () => "a-password-of-a-test", deviceIdOf: () => "DEVICE" };
    const sessions = new Sessions(acting ?? sessionsOf, new FakeVault(), identity);
    const directory = new Directory({ async *list() {}, read: () => undefined }, serverName);
    const { children } = spaceBehaviour(sessions, directory, {
      server: serverName,
      botLocalpart: "letta-matrix",
      name: "Letta Agents",
      aliasLocalpart: "letta-agents",
      people: [ada.userId],
      coreUsers: { admins: [], readers: [] },
    });
    run = async (effect, input = {}) => await children[effect]?.(input, effectContext());
  });

  afterAll(async () => {
    sessionsOf?.close();
    acting?.close();
    await synapse?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const asAda = async (method: string, path: string): Promise<unknown> => {
    const response = await fetch(`${synapse.baseUrl}/_matrix/client${path}`, {
      method,
      headers: { authorization: `Bearer ${ada.accessToken}` },
      ...(method === "POST" && { body: "{}" }),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };

  async function make(part: number, spaceId: string | null): Promise<string> {
    const { partId } = z.object({ partId: z.string() }).parse(await run("createSpace", { part, spaceId }));
    const made = { part, partId, spaceId: spaceId ?? partId };
    await run("furnishSpace", made);
    await run("inviteToSpace", made);
    return partId;
  }

  test("a person who is in the space sees its further part there, and enters it without another invitation", async () => {
    await run("ensureBot");
    const spaceId = await make(1, null);
    const second = await make(2, spaceId);
    await asAda("POST", `/v3/join/${encodeURIComponent(spaceId)}`);
    const { rooms } = hierarchy.parse(await asAda("GET", `/v1/rooms/${encodeURIComponent(spaceId)}/hierarchy`));
    expect(rooms.map(({ room_id, name }) => [room_id, name])).toEqual([
      [spaceId, "Letta Agents"],
      [second, "Letta Agents 2"],
    ]);
    await asAda("POST", `/v3/join/${encodeURIComponent(second)}`);
    expect(await run("resolveSpace", { part: 2, spaceId })).toEqual({ partId: second });
  });

  test("nobody else enters it", async () => {
    const stranger = await registerUser(synapse, "stranger");
    const client = sessionsOf.as(stranger);
    const never = new AbortController().signal;
    await expect(client.join(`#letta-agents-2:${synapse.serverName}`, never)).rejects.toMatchObject({
      kind: "forbidden",
    });
  });
});
