import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { HomeserverInspection } from "../../../src/matrix/inspection.ts";
import type { SyncResponse } from "../../../src/matrix/port.ts";
import type { HomeserverOddities } from "../../servers/homeserver/oddities.ts";
import {
  ask,
  failure,
  messagesOnly,
  never,
  newAccount,
  newRoom,
  newUser,
  roomIn,
  type ServerUnderContract,
  sendText,
  syncNow,
  type User,
} from "./server.ts";

type OddityCase = (server: ServerUnderContract, oddities: HomeserverOddities) => Promise<void>;

/** What is odd in each kind of homeserver, as its clients see it: one case for each oddity of the stand-in. */
export const homeserverOddityCases: Readonly<Record<keyof HomeserverOddities, readonly [name: string, OddityCase]>> = {
  roomVersion: [
    "makes rooms of the version that it tells of",
    async (server, { roomVersion }) => {
      const user = await newUser(server);
      const { answer } = await ask(server, user, "GET", "/capabilities");
      expect(answer).toMatchObject({ capabilities: { "m.room_versions": { default: roomVersion } } });
      const room = await newRoom(user);
      expect(await user.client.state(room, "m.room.create", "", never)).toMatchObject({ room_version: roomVersion });
      expect(room.includes(":")).toBe(Number(roomVersion) < 12);
    },
  ],
  transactionScope: [
    "takes a transaction id for the room's own, or for the device's in all rooms",
    async (server, { transactionScope }) => {
      const user = await newUser(server);
      const [one, other] = [await newRoom(user), await newRoom(user)];
      const txnId = randomUUID();
      const first = await sendText(user, one, "hello", txnId);
      expect((await sendText(user, other, "hello", txnId)) === first).toBe(transactionScope === "device");
    },
  ],
  transactionsAreForgotten: [
    "knows a transaction id for a session and a process of its own, or for the device and for long",
    async (server, { transactionsAreForgotten }) => {
      const user = await newUser(server);
      const room = await newRoom(user);
      const txnId = randomUUID();
      const first = await sendText(user, room, "hello", txnId);
      expect(await sendText(user, room, "hello", txnId)).toBe(first);
      const again: User = { ...user, client: server.homeserver.as(await server.homeserver.login(user.account, never)) };
      const second = await sendText(again, room, "hello", txnId);
      expect(second === first).toBe(!transactionsAreForgotten);
      await server.crash();
      expect((await sendText(again, room, "hello", txnId)) === second).toBe(!transactionsAreForgotten);
    },
  ],
  hasSynapseAdmin: [
    "has Synapse's admin API, or nothing of it but registration by shared secret",
    async (server, { hasSynapseAdmin }) => {
      const { baseUrl, homeserver } = server;
      const registration = { kind: "token", token: "" } as const;
      const inspection = new HomeserverInspection({ baseUrl, serverName: homeserver.serverName, registration });
      expect(await inspection.isSynapse(never)).toBe(hasSynapseAdmin);
      inspection.close();
    },
  ],
  rateLimits: [
    "limits how often somebody logs in: for minutes, for half a second, or not at all",
    async (server, { rateLimits }) => {
      const user = await newUser(server);
      const logIns = async () => {
        for (let n = 0; n < 20; n++) await server.homeserver.login(user.account, never);
        return "unlimited";
      };
      if (rateLimits === "none") expect(await logIns()).toBe("unlimited");
      else expect(((await failure(logIns())).retryAfterMs ?? 0) > 1_000).toBe(rateLimits === "synapse");
    },
  ],
  bundlesEdits: [
    "gives an event with its newest edit, or without",
    async (server, { bundlesEdits }) => {
      const user = await newUser(server);
      const room = await newRoom(user);
      const original = await sendText(user, room, "draft");
      const fresh = { msgtype: "m.text", body: "final" };
      const relation = { rel_type: "m.replace", event_id: original };
      const edit = { ...fresh, "m.new_content": fresh, "m.relates_to": relation };
      await user.client.send(room, "m.room.message", randomUUID(), edit, never);
      const path = `/rooms/${encodeURIComponent(room)}/event/${encodeURIComponent(original)}`;
      const { answer } = await ask(server, user, "GET", path);
      expect(JSON.stringify(answer).includes("m.replace")).toBe(bundlesEdits);
    },
  ],
  shortestPollMs: [
    "answers a poll that is not to be held at once, or holds it all the same",
    async (server, { shortestPollMs }) => {
      const { poll, wake } = await quietPoll(server, 0);
      const early = await Promise.race([poll, sleep(shortestPollMs > 0 ? Math.max(200, shortestPollMs / 4) : 2_500)]);
      expect(early === undefined).toBe(shortestPollMs > 0);
      await wake("while it was held");
      expect((await poll).joined).toHaveLength(shortestPollMs > 0 ? 1 : 0);
    },
  ],
  longestPollMs: [
    "holds a poll for as long as it is to be held, or ends it sooner",
    async (server, { longestPollMs }) => {
      const { poll, wake } = await quietPoll(server, 20_000);
      const isClamped = longestPollMs < 20_000;
      const early = await Promise.race([poll, sleep(isClamped ? longestPollMs + 2_000 : 1_500)]);
      expect(early !== undefined).toBe(isClamped);
      await wake("too late");
      expect((await poll).joined).toHaveLength(isClamped ? 0 : 1);
    },
  ],
  takesAnyCursor: [
    "refuses a cursor that is none, or takes it for no cursor",
    async (server, { takesAnyCursor }) => {
      const user = await newUser(server);
      const room = await newRoom(user);
      await sendText(user, room, "hello");
      const bad = syncNow(user, "no cursor");
      if (takesAnyCursor) expect(roomIn(await bad, room).timeline).toHaveLength(1);
      else expect(await failure(bad)).toMatchObject({ kind: "refused", httpStatus: 400 });
    },
  ],
  readsFromTheBeginning: [
    "reads a room from its beginning where nobody says from where, or refuses that",
    async (server, { readsFromTheBeginning }) => {
      const user = await newUser(server);
      const reading = user.client.messages(await newRoom(user), { dir: "f", limit: 1 }, never);
      if (readsFromTheBeginning) expect((await reading).chunk).toMatchObject([{ type: "m.room.create" }]);
      else expect(await failure(reading)).toMatchObject({ kind: "refused", httpStatus: 400 });
    },
  ],
  shortestPassword: [
    "takes passwords of that many characters, and none that are shorter",
    async (server, { shortestPassword }) => {
      const register = (length: number) =>
        server.homeserver.register({ ...newAccount("user"), password: "p".repeat(length) }, never);
      await register(shortestPassword);
      if (shortestPassword > 1)
        expect(await failure(register(shortestPassword - 1))).toMatchObject({ errcode: "M_WEAK_PASSWORD" });
    },
  ],
  registrationStages: [
    "asks for a token of whoever registers, and perhaps for a last word",
    async (server, { registrationStages }) => {
      const response = await fetch(`${server.baseUrl}/_matrix/client/v3/register`, {
        method: "POST",
        body: JSON.stringify({ username: newAccount("user").localpart, password: randomUUID() }),
      });
      expect(await response.json()).toMatchObject({ flows: [{ stages: registrationStages }] });
    },
  ],
  tooLarge: [
    "has its own error code for an event that is too large",
    async (server, { tooLarge }) => {
      const user = await newUser(server);
      const error = await failure(sendText(user, await newRoom(user), "x".repeat(70_000)));
      expect(error).toMatchObject({ kind: "too-large", errcode: tooLarge });
    },
  ],
  newNameSuffix: [
    "shows a new user under its name as it is, or with something behind it",
    async (server, { newNameSuffix }) => {
      const [user, account] = [await newUser(server), newAccount("user")];
      const { userId } = await server.homeserver.register(account, never);
      const { displayName } = await user.client.profile(userId, never);
      expect(displayName).toBe(`${account.localpart}${newNameSuffix}`);
    },
  ],
  restrictedJoinStatus: [
    "refuses to let somebody into a restricted room, or fails at it",
    async (server, { restrictedJoinStatus }) => {
      const [owner, stranger] = [await newUser(server), await newUser(server)];
      const [space, room] = [await newRoom(owner), await newRoom(owner)];
      const allow = [{ type: "m.room_membership", room_id: space }];
      await owner.client.sendState(room, "m.room.join_rules", "", { join_rule: "restricted", allow }, never);
      expect(await failure(stranger.client.join(room, never))).toMatchObject({
        kind: restrictedJoinStatus === 403 ? "forbidden" : "unreachable",
        httpStatus: restrictedJoinStatus,
      });
    },
  ],
  longestTimeline: [
    "puts no more events into a timeline than it likes, or as many as were asked for",
    async (server, { longestTimeline }) => {
      const [user, other] = [await newUser(server), await newUser(server)];
      const room = await newRoom(user, other);
      const { nextBatch } = await syncNow(user);
      for (let n = 0; n < 105; n++) await sendText(other, room, `message ${n}`);
      const response = await syncNow(user, nextBatch, { ...messagesOnly, timelineLimit: 200 });
      const { timeline, limited } = roomIn(response, room);
      expect(timeline).toHaveLength(Math.min(105, longestTimeline));
      expect(limited).toBe(longestTimeline < 105);
    },
  ],
  searches: [
    "searches, or says that it does not",
    async (server, { searches }) => {
      const user = await newUser(server);
      const room = await newRoom(user);
      await sendText(user, room, "walrus");
      const search = user.client.search({ text: "walrus", limit: 10 }, never);
      if (searches) expect((await search).found).toMatchObject([{ roomId: room, content: { body: "walrus" } }]);
      else expect(await failure(search)).toMatchObject({ kind: "unsupported", httpStatus: 501 });
    },
  ],
};

/** All but its rate limits, which are seen on a server that has them. */
export function odditiesContract(server: () => ServerUnderContract, oddities: HomeserverOddities): void {
  for (const [oddity, [name, check]] of Object.entries(homeserverOddityCases))
    if (oddity !== "rateLimits") it(name, () => check(server(), oddities));
}

/** A poll of somebody in whose room nothing happens, until somebody else says something. */
async function quietPoll(
  server: ServerUnderContract,
  timeoutMs: number,
): Promise<{ poll: Promise<SyncResponse>; wake: (text: string) => Promise<string> }> {
  const [user, other] = [await newUser(server), await newUser(server)];
  const room = await newRoom(user, other);
  let since = (await syncNow(user)).nextBatch;
  // Some servers answer at once for reasons that the filter hides; the cursor moves on.
  for (let empty = 0; empty < 3; empty++) since = (await syncNow(user, since)).nextBatch;
  const poll = user.client.sync({ since, timeoutMs, filter: messagesOnly }, never);
  return { poll, wake: (text) => sendText(other, room, text) };
}
