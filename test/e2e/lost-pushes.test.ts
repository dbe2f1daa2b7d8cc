import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressOf } from "../../src/machines/addresses.ts";
import { hasteOf } from "../crash/haste.ts";
import { startHomeserver } from "../servers/homeserver/start.ts";
import { type HomeserverProxy, startProxy } from "./homeserver-proxy.ts";
import { PushedHouse } from "./pushed-house.ts";

/** Two minutes take two seconds. */
const haste = 60;
/** What the proxy lets through, bytes: a ping, and what is said in a few words. */
const little = 2_000;

describe("a proxy that takes no large push", () => {
  let dir: string;
  let proxy: HomeserverProxy | undefined;
  let house: PushedHouse;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "lost-"));
    house = await PushedHouse.build(dir, ["Scout", "Nora"], true, async (options) => {
      const [known] = options.appservices;
      proxy ??= await startProxy(known?.url ?? "");
      const appservices = options.appservices.map((one) => ({ ...one, url: proxy?.url ?? one.url }));
      return startHomeserver("synapse", { ...options, appservices });
    });
  });

  afterAll(async () => {
    await house.tearDown();
    await proxy?.close();
    await rm(dir, { recursive: true, force: true });
  });

  test("is noticed once somebody of ours has said something: all look, and hear what was said", async () => {
    const began = Date.now();
    const app = house.app("appservice", "data", (ports) => ({ ...ports, clock: hasteOf(ports.clock, began, haste) }));
    await app.start();
    const [scout, nora] = [await house.room("Scout"), await house.room("Nora")];
    await house.answer(scout, await house.anna.say(scout, "before"));
    // The looks of the start are over: from here on nobody looks by itself.
    await sleep(3_000);
    const mend = proxy?.interfere({
      instead: ({ path, body }) =>
        path.includes("/transactions/") && body.length > little ? { status: 413, body: "{}" } : undefined,
    });
    const unheard = [await house.anna.say(scout, "x".repeat(little)), await house.anna.say(scout, "unheard, too")];
    await sleep(1_000);
    expect(await house.counts(scout, unheard)).toEqual([0, 0]);
    const outbox = addressOf.outbox(house.synapse.serverName, house.userOf("Nora"), nora);
    const errand = { key: "k", what: { kind: "message", text: "Is anybody there?" } };
    await app.host.accept(outbox, { type: "SEND", errand });
    for (const id of unheard) await house.answer(scout, id);
    mend?.();
    const after = await house.anna.say(scout, "after");
    await house.answer(scout, after);
    expect(await house.counts(scout, [...unheard, after])).toEqual([1, 1, 1]);
    await app.stop();
  });
});
