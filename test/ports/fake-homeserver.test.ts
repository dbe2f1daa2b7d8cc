import { describe } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { accountsContract } from "../contract/matrix/accounts.ts";
import { administrationContract } from "../contract/matrix/administration.ts";
import { rateLimitsContract } from "../contract/matrix/limits.ts";
import { mediaContract } from "../contract/matrix/media.ts";
import { membershipsContract } from "../contract/matrix/memberships.ts";
import { peopleContract } from "../contract/matrix/people.ts";
import { profilesContract } from "../contract/matrix/profiles.ts";
import { roomsContract } from "../contract/matrix/rooms.ts";
import { searchingContract } from "../contract/matrix/searching.ts";
import { sendingContract } from "../contract/matrix/sending.ts";
import type { PortUnderContract, WithPeople } from "../contract/matrix/server.ts";
import { syncingContract } from "../contract/matrix/syncing.ts";
import { FakeAdmin } from "./fake-admin.ts";
import { FakeHomeserver } from "./fake-homeserver.ts";
import { FakePeople } from "./fake-people.ts";

/**
 * The fake homeserver is held to all of the contract that speaks through the port. It does not claim the rest:
 * - signs.ts: who types and what was read is noted among its requests, and shown to nobody;
 * - administration.ts, of wrong tokens: its administrator shows none;
 * - limits.ts, of limits: it has none, and each test says itself when it is told to wait;
 * - inspection.ts, pushes.ts, appservice-accounts.ts: about what it does not stand for;
 * - oddities.ts: what single homeservers do beside what is promised.
 */
describe("The fake homeserver", () => {
  const homeserver = new FakeHomeserver(systemClock);
  const fake: PortUnderContract & WithPeople = {
    homeserver,
    people: new FakePeople(homeserver),
    putOut: async (how, whom, by, room) =>
      homeserver.setMember(room, whom.userId, how === "kick" ? "leave" : "ban", by.userId),
    devicesOf: async ({ userId }) => homeserver.devicesOf(userId),
    crash: async () => homeserver.forgetTransactions(),
    stop: async () => {},
  };
  const server = () => fake;
  describe("accounts", () => accountsContract(server));
  describe("people", () => peopleContract(server));
  describe("sending", () => sendingContract(server, { afterLogin: true, afterKill: false, usersApart: true }));
  describe("syncing", () => syncingContract(server));
  describe("rooms", () => roomsContract(server));
  describe("memberships", () => membershipsContract(server));
  describe("profiles", () => profilesContract(server));
  describe("media", () => mediaContract(server));
  describe("searching", () => searchingContract(server));
  describe("limits", () => rateLimitsContract(server, { rateLimits: "none" }));
  describe("an administrator", () => administrationContract(server, async () => new FakeAdmin(homeserver)));
});
