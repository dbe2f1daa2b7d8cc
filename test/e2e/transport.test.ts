import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ReachedSomebodyElse } from "../../src/matrix/port.ts";
import { freePort } from "../servers/free-port.ts";
import type { HomeserverProfile } from "../servers/homeserver/oddities.ts";
import { startHomeserver } from "../servers/homeserver/start.ts";
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

async function build(profile: HomeserverProfile): Promise<void> {
  house = await PushedHouse.build(dir, ["Scout"], true, (options) => startHomeserver(profile, options));
}

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
