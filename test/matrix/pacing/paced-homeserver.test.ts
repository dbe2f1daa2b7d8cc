import { describe, expect, test } from "vitest";
import { PacedHomeserver } from "../../../src/matrix/pacing/paced-homeserver.ts";
import { Pacer } from "../../../src/matrix/pacing/pacer.ts";
import { FakeHomeserver, matrixError } from "../../ports/fake-homeserver.ts";
import { SimulatedClock, settled } from "../../runtime/simulated-clock.ts";
import { HeldHomeserver } from "./held-homeserver.ts";

const never = new AbortController().signal;
const filter = { timelineTypes: [], timelineLimit: 1, stateTypes: [] };
const poll = { since: "s1", timeoutMs: 30_000, filter };

function heldWorld() {
  const clock = new SimulatedClock();
  const server = new HeldHomeserver();
  const homeserver = new PacedHomeserver(server, new Pacer(clock));
  const clientOf = (userId: string) => homeserver.as({ userId, deviceId: "D", accessToken: "secret" });
  return { clock, server, homeserver, clientOf };
}

function fakeWorld() {
  const clock = new SimulatedClock();
  const server = new FakeHomeserver(clock);
  const homeserver = new PacedHomeserver(server, new Pacer(clock));
  const resident = (userId: string) => ({
    client: homeserver.as(server.sessionOf(userId)),
    roomId: server.makeRoom(userId),
  });
  return { clock, server, homeserver, resident };
}

describe("a start of 5,000 agents", () => {
  test("makes few sessions at once, few first looks, and few homes; then each agent polls", async () => {
    const { server, homeserver } = heldWorld();
    const agents = Array.from({ length: 5_000 }, async (_, n) => {
      const account = { localpart: `agent_${n}`, password: "secret", deviceId: "D" };
      const client = homeserver.as(await homeserver.register(account, never));
      await client.createRoom({ aliasLocalpart: account.localpart, name: account.localpart }, never);
      await client.sync({ timeoutMs: 0, filter }, never);
      client.sync(poll, never).catch(() => undefined);
    });
    await server.serve(Promise.all(agents));
    expect(server.mostAtOnce.get("register")).toBe(4);
    expect(server.mostAtOnce.get("look")).toBeLessThanOrEqual(16);
    expect(server.mostAtOnce.get("createRoom")).toBe(4);
    expect(server.underWay("held poll")).toBe(5_000);
  }, 60_000);

  test("after a restart looks a few at a time before it polls", async () => {
    const { server, clientOf } = heldWorld();
    const looks = Array.from({ length: 5_000 }, (_, n) =>
      clientOf(`@agent_${n}:test`).at("conversation").sync({ since: "s0", timeoutMs: 0, filter }, never),
    );
    await server.serve(Promise.all(looks));
    expect(server.mostAtOnce.get("look")).toBe(16);
    expect(server.came.get("look")).toBe(5_000);
  });

  test("does not hold up an answer that is sent meanwhile, nor do thousands of polls", async () => {
    const { server, clientOf } = heldWorld();
    for (let n = 0; n < 5_000; n++) {
      const client = clientOf(`@agent_${n}:test`);
      client.sync(poll, never).catch(() => undefined);
      client.createRoom({ aliasLocalpart: `agent_${n}`, name: `Agent ${n}` }, never).catch(() => undefined);
      client.roomState("!room", never).catch(() => undefined);
    }
    const answer = clientOf("@agent:test").at("answer").send("!room", "m.room.message", "txn", {}, never);
    await settled();
    expect(server.underWay("createRoom")).toBe(4);
    expect(server.underWay("roomState")).toBe(24);
    expect(server.underWay("send")).toBe(1);
    await server.answerAll();
    await answer;
  });
});

describe("an outage of the homeserver", () => {
  test("is found out by a few, told to all, and looked into by one at a time; then all go on, a few at a time", async () => {
    const { clock, server, clientOf } = heldWorld();
    const clients = Array.from({ length: 200 }, (_, n) => clientOf(`@agent_${n}:test`).at("answer"));
    const askAll = () => server.serve(Promise.allSettled(clients.map((client) => client.join("#room:test", never))));
    server.isDown = true;
    const outcomes = await askAll();
    expect(server.came.get("join")).toBe(32);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { kind: "unreachable" } });
    for (let probe = 1; probe <= 5; probe++) {
      clock.advance(60_000);
      await askAll();
      expect(server.came.get("join")).toBe(32 + probe);
    }
    server.isDown = false;
    server.mostAtOnce.clear();
    clock.advance(60_000);
    const [first] = clients;
    await server.serve(first?.join("#room:test", never) ?? Promise.resolve(""));
    expect((await askAll()).every(({ status }) => status === "fulfilled")).toBe(true);
    expect(server.mostAtOnce.get("join")).toBe(32);
  });

  test("is seen to be over by a poll without its being held", async () => {
    const { clock, server, clientOf } = heldWorld();
    server.isDown = true;
    const asked = ["@a:test", "@b:test", "@c:test"].map((userId) => clientOf(userId).join("#room:test", never));
    await server.serve(Promise.allSettled(asked));
    server.isDown = false;
    clock.advance(1_000);
    const polled = clientOf("@a:test").sync(poll, never);
    await settled();
    expect([server.underWay("look"), server.underWay("held poll")]).toEqual([1, 0]);
    await server.serve(polled);
    await server.serve(clientOf("@b:test").join("#room:test", never));
  });
});

describe("a 429", () => {
  test("for one agent's sends holds up neither its reading nor anybody else's sends", async () => {
    const { clock, server, resident } = fakeWorld();
    const [one, other] = [resident("@one:test"), resident("@other:test")];
    const send = ({ client, roomId }: typeof one) =>
      client.send(roomId, "m.room.message", "txn", { body: "hello" }, never);
    server.fail("send", matrixError("limited", 10_000));
    await expect(send(one)).rejects.toMatchObject({ kind: "limited", retryAfterMs: 10_000 });
    await expect(send({ ...one, client: one.client.at("answer") })).rejects.toMatchObject({ kind: "limited" });
    expect(server.count("send", "@one:test")).toBe(1);
    await send(other);
    await one.client.roomState(one.roomId, never);
    clock.advance(10_000);
    await send(one);
  });

  test("for invitations of one person holds up all who invite that person, and nobody else's invitations", async () => {
    const { server, resident } = fakeWorld();
    const [one, other] = [resident("@one:test"), resident("@other:test")];
    const invite = ({ client, roomId }: typeof one, who: string) => client.invite(roomId, who, never);
    server.fail("invite", matrixError("limited", 333_000));
    await expect(invite(one, "@anna:test")).rejects.toMatchObject({ kind: "limited" });
    await expect(invite(other, "@anna:test")).rejects.toMatchObject({ kind: "limited" });
    expect(server.count("invite")).toBe(1);
    await invite(other, "@bert:test");
  });

  test("for registrations holds up all that register, and no login", async () => {
    const { clock, server, homeserver } = fakeWorld();
    const accounts = ["one", "two"].map((localpart) => ({ localpart, password: "secret", deviceId: "D" }));
    const [one, two] = accounts;
    if (one === undefined || two === undefined) throw new Error("there are two");
    await homeserver.register(two, never);
    server.fail("register", matrixError("limited", 6_000));
    await expect(homeserver.register(one, never)).rejects.toMatchObject({ kind: "limited" });
    await expect(homeserver.register(two, never)).rejects.toMatchObject({ kind: "limited", retryAfterMs: 6_000 });
    await homeserver.login(two, never);
    clock.advance(6_000);
    await homeserver.register(one, never);
  });
});
