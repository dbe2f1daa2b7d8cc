import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { AddressTaken } from "../../src/matrix/appservice/listener.ts";
import { MatrixError } from "../../src/matrix/port.ts";
import { NoWayBack } from "../../src/transport.ts";
import type { LoggedRequest } from "../servers/access-log.ts";
import { PushedHouse } from "./pushed-house.ts";

describe("the program as an application service of a real Synapse", () => {
  let dir: string;
  let house: PushedHouse;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "pushed-"));
    house = await PushedHouse.build(dir, ["Scout", "Nora"]);
  });

  afterAll(async () => {
    await house.tearDown();
    await rm(dir, { recursive: true, force: true });
  });

  test("answers what is pushed, once, and polls for nothing", async () => {
    const app = house.app();
    await app.start();
    const [scout, nora] = [await house.room("Scout"), await house.room("Nora")];
    const questions = [await house.anna.say(scout, "one"), await house.anna.say(scout, "two")];
    const other = await house.anna.say(nora, "three");
    for (const id of questions) await house.answer(scout, id);
    await house.answer(nora, other);
    expect(await house.counts(scout, questions)).toEqual([1, 1]);
    expect(await house.counts(nora, [other, ...questions])).toEqual([1, 0, 0]);
    const syncs = (await house.synapse.requests()).filter(
      ({ path, user }) => path.endsWith("/sync") && user?.includes("agent_"),
    );
    // A poll for messages would have ended with each that was said; what an agent holds for all is for nothing.
    const isForMessages = ({ query }: LoggedRequest) => query.get("filter")?.includes('"m.room.message"');
    expect(syncs.filter((sync) => sync.query.has("since") && isForMessages(sync))).toEqual([]);
    expect(syncs.filter(isForMessages).length).toBeGreaterThan(0);
    const again = await house.anna.say(scout, "four");
    await house.answer(scout, again);
    await app.stop();
  });

  test("answers after its downtime what was said meanwhile, without waiting for the homeserver's patience", async () => {
    const scout = await house.room("Scout");
    const missed = [await house.anna.say(scout, "are you there?"), await house.anna.say(scout, "hello?")];
    // The homeserver has noticed by now that nobody is there, and waits ever longer.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    const app = house.app();
    const begun = performance.now();
    await app.start();
    for (const id of missed) await house.answer(scout, id);
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(await house.counts(scout, missed)).toEqual([1, 1]);

    // Its transaction ids begin anew.
    await house.synapse.restart();
    const after = [];
    for (let n = 0; n < 5; n++) after.push(await house.anna.say(scout, `after the restart ${n}`));
    for (const id of after) await house.answer(scout, id);
    expect(await house.counts(scout, [...missed, ...after])).toEqual([1, 1, 1, 1, 1, 1, 1]);

    await expect(house.app("appservice", "other-data").start()).rejects.toMatchObject({
      cause: expect.any(AddressTaken),
    });
    await app.stop();
  });

  test("reads in the rooms what was said while it was down, where a homeserver may not push that", async () => {
    const scout = await house.room("Scout");
    const missed = [await house.anna.say(scout, "lost by the homeserver"), await house.anna.say(scout, "lost, too")];
    let loses = true;
    const app = house.app("appservice", "data", (ports) => {
      const { pushes } = ports;
      if (pushes === undefined) throw new Error("nobody pushes");
      return {
        ...ports,
        pushes: {
          listen: () => pushes.listen(),
          close: () => pushes.close(),
          deliverTo: (take) => pushes.deliverTo(async (pushed) => (loses ? undefined : take(pushed))),
          ping: () => Promise.reject(new MatrixError("unsupported", "there is no ping", { remedy: "none" })),
        },
      };
    });
    await app.start();
    for (const id of missed) await house.answer(scout, id);
    loses = false;
    const later = await house.anna.say(scout, "pushed again");
    await house.answer(scout, later);
    expect(await house.counts(scout, [...missed, later])).toEqual([1, 1, 1]);
    await app.stop();
  });

  test("answers what the homeserver had taken, and was killed before it could push it", async () => {
    const scout = await house.room("Scout");
    const killed = Promise.withResolvers<void>();
    let isHeld = false;
    const app = house.app("appservice", "data", (ports) => {
      const { pushes } = ports;
      if (pushes === undefined) throw new Error("nobody pushes");
      return {
        ...ports,
        pushes: {
          listen: () => pushes.listen(),
          close: () => pushes.close(),
          ping: (signal) => pushes.ping(signal),
          deliverTo: (take) =>
            pushes.deliverTo(async (pushed) => {
              if (!isHeld) return take(pushed);
              await killed.promise;
              throw new Error("nobody would hear that it is taken");
            }),
        },
      };
    });
    await app.start();
    await house.answer(scout, await house.anna.say(scout, "before"));
    isHeld = true;
    const lost: string[] = [];
    // The first is under way when Synapse is killed, the others wait in its memory.
    for (let n = 0; n < 4; n++) {
      lost.push(await house.anna.say(scout, `not pushed ${n}`));
      await sleep(100);
    }
    await house.synapse.kill("SIGKILL");
    isHeld = false;
    killed.resolve();
    await house.synapse.restart();
    for (const id of lost) await house.answer(scout, id);
    const later = await house.anna.say(scout, "pushed again");
    await house.answer(scout, later);
    expect(await house.counts(scout, [...lost, later])).toEqual([1, 1, 1, 1, 1]);
    await app.stop();
  });

  test("does not answer what its author took back while the agent could not be told yet", async () => {
    const scout = await house.room("Scout");
    let isAway = true;
    const app = house.app("appservice", "data", (ports) => {
      const { homeserver } = ports;
      return {
        ...ports,
        homeserver: {
          serverName: homeserver.serverName,
          register: (...given) => homeserver.register(...given),
          login: (...given) => homeserver.login(...given),
          as: (credentials) => {
            const isScout = credentials.userId === house.userOf("Scout");
            return new Proxy(homeserver.as(credentials), {
              get(client, name) {
                if (name === "sync" && isScout && isAway)
                  return () => Promise.reject(new MatrixError("unreachable", "overloaded", { remedy: "none" }));
                const value: unknown = Reflect.get(client, name);
                return typeof value === "function" ? value.bind(client) : value;
              },
            });
          },
        },
      };
    });
    await app.start();
    // Whoever is answered shows that the homeserver pushes.
    const nora = await house.room("Nora");
    await house.answer(nora, await house.anna.say(nora, "are you there?"));
    const regretted = await house.anna.say(scout, "I should not have said that");
    await house.answer(nora, await house.anna.say(nora, "and now?"));
    await house.anna.redact(scout, regretted);
    await house.answer(nora, await house.anna.say(nora, "still?"));
    isAway = false;
    const meant = await house.anna.say(scout, "something else");
    await house.answer(scout, meant);
    await sleep(1_000);
    expect(await house.counts(scout, [regretted, meant])).toEqual([0, 1]);
    await app.stop();
  });

  test("an agent that is invited hears what is said to it from the invitation on", async () => {
    const app = house.app();
    await app.start();
    const created = await house.anna.request("POST", "/createRoom", { preset: "private_chat" });
    const roomId = String(Reflect.get(Object(created), "room_id"));
    const user = house.userOf("Scout");
    await house.anna.request("POST", `/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: user });
    const mention = { "m.mentions": { user_ids: [user] } };
    const first = await house.anna.say(roomId, "Scout, welcome", mention);
    await house.answer(roomId, first);
    const second = await house.anna.say(roomId, "Scout, and now?", mention);
    await house.answer(roomId, second);
    expect(await house.counts(roomId, [first, second])).toEqual([1, 1]);
    await app.stop();
  });

  test("what was said in Letta before stands in a new room at the time at which it was said", async () => {
    house.agents.push({ id: "agent-elder", name: "Elder" });
    const at = Date.UTC(2024, 1, 29, 12);
    const app = house.app("appservice", "data", (ports) => ({
      ...ports,
      letta: { ...ports.letta, history: async () => [{ id: "m1", speaker: "user", text: "long ago", at }] },
    }));
    await app.start();
    const roomId = await house.room("Elder");
    const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100`;
    const { chunk } = z
      .object({ chunk: z.array(z.object({ content: z.looseObject({}), origin_server_ts: z.number() })) })
      .parse(await house.anna.request("GET", path));
    const told = chunk.filter(({ content }) => content["body"] === "User: long ago");
    expect(told.map((event) => event.origin_server_ts)).toEqual([at]);
    await app.stop();
  });

  test("has no way back to logging in where nobody can give its users passwords", async () => {
    await expect(house.app("client-server").start()).rejects.toThrow(NoWayBack);
  });
});

describe("an installation that polled, and is an application service from now on", () => {
  let dir: string;
  let house: PushedHouse;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "moving-"));
    house = await PushedHouse.build(dir, ["Scout"], false);
  });

  afterAll(async () => {
    await house.tearDown();
    await rm(dir, { recursive: true, force: true });
  });

  test("keeps its users and rooms, and answers nothing twice or never", async () => {
    const before = house.app("client-server");
    await before.start();
    const scout = await house.room("Scout");
    const early = await house.anna.say(scout, "by polling");
    await house.answer(scout, early);
    await before.stop();
    const between = [await house.anna.say(scout, "nobody is there"), await house.anna.say(scout, "still nobody")];
    await house.register();
    const unseen = await house.anna.say(scout, "the homeserver cannot push this yet");
    between.push(unseen);
    const app = house.app();
    await app.start();
    for (const id of between) await house.answer(scout, id);
    const late = await house.anna.say(scout, "pushed");
    await house.answer(scout, late);
    expect(await house.room("Scout")).toBe(scout);
    expect(await house.counts(scout, [early, ...between, late])).toEqual([1, 1, 1, 1, 1]);
    await app.stop();
  });

  test("goes back to polling where an administrator can let its users log in, and answers nothing twice or never", async () => {
    house.agents.push({ id: "agent-nora", name: "Nora" });
    const pushed = house.app();
    await pushed.start();
    const [scout, nora] = [await house.room("Scout"), await house.room("Nora")];
    const before = await house.anna.say(nora, "to a user without a password");
    await house.answer(nora, before);
    await pushed.stop();
    await house.register(false);
    const [between, toScout] = [await house.anna.say(nora, "nobody"), await house.anna.say(scout, "nobody here")];
    const app = house.app("client-server");
    await app.start();
    await house.answer(nora, between);
    await house.answer(scout, toScout);
    const late = await house.anna.say(nora, "by polling again");
    await house.answer(nora, late);
    expect(await house.counts(nora, [before, between, late])).toEqual([1, 1, 1]);
    expect(await house.counts(scout, [toScout])).toEqual([1]);
    await app.stop();
  });
});
