import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ReachedSomebodyElse } from "../../src/matrix/port.ts";
import { NoWayBack } from "../../src/transport.ts";
import { freePort } from "../servers/free-port.ts";
import type { HomeserverProfile } from "../servers/homeserver/oddities.ts";
import { startHomeserver } from "../servers/homeserver/start.ts";
import { registerUser } from "../servers/matrix-users.ts";
import { PushedHouse } from "./pushed-house.ts";

let dir: string;
let house: PushedHouse;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "transport-"));
});

afterEach(async () => {
  await house.tearDown();
  await rm(dir, { recursive: true, force: true });
});

async function build(profile: HomeserverProfile, isKnown = true): Promise<void> {
  house = await PushedHouse.build(dir, ["Scout"], isKnown, (options) => startHomeserver(profile, options));
}

/** Runs the program until Scout has answered. */
async function liveAs(transport: "appservice" | "client-server"): Promise<void> {
  const app = house.app(transport);
  await app.start();
  const room = await house.room("Scout");
  await house.answer(room, await house.anna.say(room, `by ${transport}`));
  await app.stop();
}

describe("the way back from an application service to logging in", { timeout: 60_000 }, () => {
  test("is refused where the token is no administrator's, and open once it is", async () => {
    await build("synapse");
    await liveAs("appservice");
    const { accessToken } = await registerUser(house.synapse, "berta");
    await house.register(false);
    const administrator = house.adminToken;
    house.adminToken = accessToken;
    await expect(house.app("client-server").start()).rejects.toThrow(NoWayBack);
    house.adminToken = administrator;
    await liveAs("client-server");
  });

  test("is refused where the homeserver has no way by which an administrator gives passwords", async () => {
    await build("tuwunel");
    await liveAs("appservice");
    await house.register(false);
    await expect(house.app("client-server").start()).rejects.toThrow(NoWayBack);
  });

  test("is open to users that have logged in before, whoever is an administrator", async () => {
    await build("synapse", false);
    await liveAs("client-server");
    await house.register(true);
    await liveAs("appservice");
    await house.register(false);
    house.adminToken = undefined;
    await liveAs("client-server");
  });
});

describe("of two processes with one registration", { timeout: 60_000 }, () => {
  test("the second does not start, wherever it listens, and says that the homeserver reaches the other", async () => {
    await build("synapse");
    const first = house.app();
    await first.start();
    const elsewhere = `127.0.0.1:${await freePort()}`;
    const second = house.app("appservice", "other-data", (ports) => ports, elsewhere);
    await expect(second.start()).rejects.toMatchObject({ cause: expect.any(ReachedSomebodyElse) });
    await first.stop();
  });

  test("either starts where the homeserver cannot be asked whom it reaches", async () => {
    await build("dendrite");
    const app = house.app("appservice", "data", (ports) => ports, `127.0.0.1:${await freePort()}`);
    await app.start();
    await app.stop();
  });
});
