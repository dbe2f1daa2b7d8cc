import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { z } from "zod";
import { MatrixError, type Pushes } from "../../../src/matrix/port.ts";
import type { AppserviceOddities } from "../../servers/homeserver/appservice/oddities.ts";
import { outsider, type PushingServer } from "./on-appservice.ts";
import { senderOf } from "./pushes.ts";
import { never, newRoom, newUser, sendText } from "./server.ts";

/** What comes of a ping. */
function pinged(pushes: Pushes): Promise<string> {
  return pushes.ping(never).catch((error: unknown) => (error instanceof MatrixError ? error.kind : "failed"));
}

/** Pings until it is not trying again just now. (`expect.poll` does not work in a case that is held to fail.) */
async function untilPinged(pushes: Pushes, ping: AppserviceOddities["ping"]): Promise<void> {
  const end = performance.now() + firstRetry * 2;
  let last = await pinged(pushes);
  while (last === "wait may go on" && performance.now() < end) {
    await sleep(50);
    last = await pinged(pushes);
  }
  expect(last).toBe(ping === "none" ? "unsupported" : "reached");
}

type OddityCase = (server: PushingServer, oddities: AppserviceOddities) => Promise<void>;

/** Longer than any homeserver waits at first before it tries again, ms. */
const firstRetry = 4_000;

/** What is odd in each kind of homeserver, as its application services see it: one case for each oddity of the stand-in. */
export const appserviceOddityCases: Readonly<Record<keyof AppserviceOddities, readonly [name: string, OddityCase]>> = {
  sender: [
    "lets an application service act for itself without an account, with one, or with one that it has to make",
    async (server, { sender }) => {
      const acting = async () => (await asAppservice(server, "GET", "/account/whoami")).status;
      expect((await acting()) === 200).toBe(sender !== "has to be registered");
      expect((await senderOf(server)).status === 200).toBe(sender !== "exists");
      expect(await acting()).toBe(200);
    },
  ],
  masquerade: [
    "refuses to let it act as somebody outside of its namespace, in its own way",
    async (server, { masquerade }) => {
      const { serverName } = server.homeserver;
      const somebody = `user_id=${encodeURIComponent(`@${outsider}:${serverName}`)}`;
      const response = await asAppservice(server, "GET", `/account/whoami?${somebody}`);
      const { errcode } = z.object({ errcode: z.string() }).parse(await response.json());
      expect([response.status, errcode]).toEqual(masquerade);
    },
  ],
  makesDevicesByPut: [
    "makes a device where one is named, or only by logging in",
    async (server, { makesDevicesByPut }) => {
      const { userId } = await newUser(server);
      const device = `/devices/DEV${randomUUID()}?user_id=${encodeURIComponent(userId)}`;
      expect((await asAppservice(server, "PUT", device, {})).ok).toBe(makesDevicesByPut);
    },
  ],
  transactionsIgnoreUsers: [
    "takes a transaction id for the application service's own, or for the user's",
    async (server, { transactionsIgnoreUsers }) => {
      const [one, two] = [await newUser(server), await newUser(server)];
      const room = await newRoom(one, two);
      const txnId = randomUUID();
      const first = await sendText(one, room, "from one", txnId);
      expect((await sendText(two, room, "from two", txnId)) === first).toBe(transactionsIgnoreUsers);
    },
  ],
  tokenInQuery: [
    "shows its token in the header, or in the query as well",
    async (server, { tokenInQuery }) => {
      const { hsToken, url } = server.registration;
      const asked = Promise.withResolvers<string>();
      const listener = createServer((request, response) => {
        request.resume();
        response.end("{}");
        if (request.headers.authorization === `Bearer ${hsToken}`) asked.resolve(request.url ?? "");
      }).listen(Number(new URL(url).port), "127.0.0.1");
      await once(listener, "listening");
      const user = await newUser(server);
      await newRoom(user);
      expect((await asked.promise).includes(`access_token=${hsToken}`)).toBe(tokenInQuery);
      await sleep(server.noticing);
      listener.close();
      listener.closeAllConnections();
    },
  ],
  mostEventsInTransaction: [
    "pushes several events at once, or each by itself",
    async (server, { mostEventsInTransaction }) => {
      const { inbox } = server;
      await inbox.open();
      const user = await newUser(server);
      const room = await newRoom(user);
      await inbox.until([await sendText(user, room, "the last")], firstRetry * 2);
      const sizes = inbox.transactions.map(({ events }) => events.length);
      expect(Math.max(...sizes) > 1).toBe(mostEventsInTransaction > 1);
      await sleep(server.noticing);
    },
  ],
  countsAnew: [
    "gives its transactions ids that it gave to others before its restart, or never does",
    async (server, { countsAnew }) => {
      const { inbox } = server;
      await inbox.open();
      const user = await newUser(server);
      const room = await newRoom(user);
      const before = [];
      for (let n = 0; n < 3; n++) {
        before.push(await sendText(user, room, `before ${n}`));
        await inbox.until(before, firstRetry * 2);
      }
      await sleep(server.noticing);
      const taken = inbox.transactions.length;
      const highest = Math.max(...inbox.transactions.map(({ txnId }) => Number(txnId)));
      await server.crash();
      await inbox.until([await sendText(user, room, "after")], firstRetry * 2);
      const later = inbox.transactions.slice(taken);
      expect(later.some(({ txnId }) => Number(txnId) <= highest)).toBe(countsAnew);
      await sleep(server.noticing);
    },
  ],
  ping: [
    "has a ping that ends its waiting, one that changes nothing, or none",
    async (server, { ping }) => {
      const { inbox } = server;
      await senderOf(server);
      const user = await newUser(server);
      const room = await newRoom(user);
      const missed = await sendText(user, room, "missed");
      // By now it has tried twice, and waits for longer than this takes.
      await sleep(2_500);
      const pushes = await inbox.open();
      // It may be trying again just now.
      await untilPinged(pushes, ping);
      // Before it would try again by itself.
      const isThere = await isPushed(inbox.until([missed], 2_000));
      if (ping !== "none") expect(isThere).toBe(ping === "ends the wait");
      await sleep(server.noticing);
      await inbox.until([missed, await sendText(user, room, "the next event")]);
      await sleep(server.noticing);
    },
  ],
  refusesPingWhileRetrying: [
    "refuses a ping, though it has reached us, while it pushes again what it could not, or never does",
    async (server, { ping, refusesPingWhileRetrying }) => {
      const { inbox } = server;
      await senderOf(server);
      const user = await newUser(server);
      const room = await newRoom(user);
      const missed = await sendText(user, room, "missed");
      await sleep(server.noticing);
      const taking = inbox.hold();
      const pushes = await inbox.open();
      const next = await sendText(user, room, "the next event");
      await taking.begun;
      const answer = refusesPingWhileRetrying ? "wait may go on" : "reached";
      const came = await pinged(pushes);
      taking.release();
      expect(came).toBe(ping === "none" ? "unsupported" : answer);
      await inbox.until([missed, next]);
      await untilPinged(pushes, ping);
      await sleep(server.noticing);
    },
  ],
  retries: [
    "tries again by itself, after its restart too, or with the next event only",
    async (server, { retries }) => {
      const { inbox } = server;
      const user = await newUser(server);
      const room = await newRoom(user);
      const missed = await sendText(user, room, "missed");
      await sleep(server.noticing);
      await inbox.open();
      expect(await isPushed(inbox.until([missed], firstRetry))).toBe(retries !== "with the next event");
      await sleep(server.noticing);
      await inbox.until([missed, await sendText(user, room, "the next event")]);
      await sleep(server.noticing);
      await inbox.close();

      const again = await sendText(user, room, "missed before its restart");
      await sleep(server.noticing);
      await server.synapse.kill("SIGKILL");
      await inbox.open();
      await server.synapse.restart();
      expect(await isPushed(inbox.until([again], firstRetry))).toBe(retries !== "from its store");
      await sleep(server.noticing);
      await inbox.until([again, await sendText(user, room, "the next event")]);
      await sleep(server.noticing);
    },
  ],
  mostKeptOverRestart: [
    "keeps all that it could not push over its restart, or the newest of it",
    async (server, { mostKeptOverRestart }) => {
      const { inbox } = server;
      const user = await newUser(server);
      const room = await newRoom(user);
      const missed = [];
      for (let n = 0; n < 60; n++) missed.push(await sendText(user, room, `missed ${n}`));
      await sleep(server.noticing);
      await server.synapse.kill("SIGKILL");
      await inbox.open();
      await server.synapse.restart();
      await inbox.until([...missed.slice(-20), await sendText(user, room, "the next event")]);
      const isWhole = await isPushed(inbox.until(missed, 1_000));
      expect(isWhole).toBe(mostKeptOverRestart >= missed.length);
      await sleep(server.noticing);
    },
  ],
};

function isPushed(until: Promise<unknown>): Promise<boolean> {
  return until.then(
    () => true,
    () => false,
  );
}

function asAppservice(server: PushingServer, method: string, path: string, body?: object): Promise<Response> {
  return fetch(`${server.baseUrl}/_matrix/client/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${server.registration.asToken}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}
