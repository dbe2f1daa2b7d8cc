import { beforeEach, describe, expect, test } from "vitest";
import { partChild, roomChild } from "../../src/actors/space/child.ts";
import { scopes } from "../../src/commands/access/principal.ts";
import { bind } from "../../src/commands/command.ts";
import { NeverThere, OwnRoom, OwnSpace, roomsLeave } from "../../src/commands/rooms/leave.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import { recordOf } from "../actors/agent-record.ts";
import { matrixError } from "../ports/fake-homeserver.ts";
import { type TwoAgents, twoAgents } from "./two-agents.ts";

const scout = "@agent_1:test";
const bot = "@letta-matrix:test";
const anna = "@anna:test";

let agents: TwoAgents;
beforeEach(async () => {
  agents = await twoAgents();
});

const call = {
  principal: { name: "program", tokenId: "1", scopes: new Set(scopes) },
  requestId: "request",
  signal: new AbortController().signal,
};

/** As an agent, or as the bot. */
function leave(room: string, agent?: string) {
  const given = { room, ...(agent !== undefined && { agent }) };
  return agents.settled(bind(roomsLeave, { ...agents.context, botUserId: bot }).execute(given, call));
}

describe("an agent's own room", () => {
  test("is not left by the agent itself, which would be given another one", async () => {
    await expect(leave(agents.ownRoom, "Sage")).rejects.toThrow(OwnRoom);
  });

  test("is left by another agent that is a guest there", async () => {
    const { homeserver } = agents.place;
    homeserver.setMember(agents.ownRoom, scout, "join");
    expect(await leave(agents.ownRoom, "Scout")).toEqual({ room: agents.ownRoom });
    expect(homeserver.room(agents.ownRoom).membershipOf(scout)).toBe("leave");
  });
});

describe("a room that the agent is not in", () => {
  test("cannot be left if it never was in there, and whoever asks is told so", async () => {
    const room = agents.place.homeserver.makeRoom(anna);
    await expect(leave(room, "Scout")).rejects.toThrow(NeverThere);
    await expect(leave("!nowhere:test", "Scout")).rejects.toThrow(NeverThere);
  });

  test("is left for whoever asks once more, if the agent left it, declined its invitation, or was put out", async () => {
    const { homeserver } = agents.place;
    for (const membership of ["join", "invite"]) {
      const room = homeserver.makeRoom(anna);
      homeserver.setMember(room, scout, membership);
      for (let time = 0; time < 2; time++) expect(await leave(room, "Scout")).toEqual({ room });
      expect(homeserver.room(room).membershipOf(scout)).toBe("leave");
    }
    const room = homeserver.makeRoom(anna);
    homeserver.setMember(room, scout, "join");
    homeserver.setMember(room, scout, "leave", anna);
    expect(await leave(room, "Scout")).toEqual({ room });
  });

  test("is not said never to have been entered where the homeserver cannot tell now", async () => {
    const { homeserver } = agents.place;
    homeserver.fail("state", matrixError("unreachable"));
    await expect(leave(homeserver.makeRoom(anna), "Scout")).rejects.toMatchObject({ kind: "unreachable" });
  });
});

describe("the space", () => {
  const known = async (parts: number) => {
    const { homeserver, sessions } = agents.place;
    await sessions.ensure("letta-matrix", "Letta", call.signal);
    const made = Array.from({ length: parts }, () => homeserver.makeRoom(bot));
    const [spaceId = "", ...further] = made;
    for (const [index, stateKey] of further.entries()) {
      const content = partChild("test", index + 2);
      homeserver.post(spaceId, { sender: bot, type: "m.space.child", stateKey, content });
    }
    const context = { spaceId, lastId: made.at(-1), parts, given: 0, capacity: 200 };
    agents.know(recordOf({ id: addressOf.space("test"), machine: "space", context }));
    return made;
  };

  test.each([1, 2, 3, 4])("is not left by the bot, in none of its %i parts", async (parts) => {
    for (const part of await known(parts)) {
      await expect(leave(part)).rejects.toThrow(OwnSpace);
      expect(agents.place.homeserver.room(part).membershipOf(bot)).toBe("join");
    }
  });

  test("keeps the bot from leaving no other room, though it stands in the space", async () => {
    const [spaceId = ""] = await known(3);
    const { homeserver } = agents.place;
    const room = homeserver.makeRoom(bot);
    const content = roomChild("test", { agentId: "agent-1", name: "Scout" });
    homeserver.post(spaceId, { sender: bot, type: "m.space.child", stateKey: room, content });
    expect(await leave(room)).toEqual({ room });
  });

  test("is left by an agent", async () => {
    const [spaceId = ""] = await known(1);
    agents.place.homeserver.setMember(spaceId, scout, "join");
    expect(await leave(spaceId, "Scout")).toEqual({ room: spaceId });
  });
});
