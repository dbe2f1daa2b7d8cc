import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { turnMarkOf } from "../../src/actors/marker.ts";
import { agentLocalpart, agentUserId } from "../../src/machines/addresses.ts";
import { transportOfRun } from "../servers/transports.ts";
import { Chain } from "./chain.ts";
import { past } from "./letta-stand-in.ts";
import type { SeenRoom } from "./observer.ts";
import type { Life } from "./product.ts";

/**
 * kill -9 at each request of provisioning and retirement: before it leaves, when the homeserver has done it and nobody
 * here knows, and when what came of it is written down. Seen from outside, each agent has one of everything.
 */

const transport = transportOfRun();

const stays = { id: "agent-00000000-stay", name: "Stays" };
const goes = { id: "agent-00000000-goes", name: "Goes" };
const marker = "io.letta_matrix.room";

const pastOf = ({ name }: { name: string }) =>
  past.map(({ speaker, text }) => `${speaker === "user" ? "User" : name}: ${text}`);

describe(`what people see of agents when letta-matrix is killed again and again while it makes and retires them, by ${transport}`, () => {
  let dir: string;
  let chain: Chain;
  let oldRoom: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "letta-matrix-life-"));
    chain = await Chain.start(dir, transport);
  });

  afterAll(async () => {
    const counts = Map.groupBy(chain?.hits ?? [], (point) => point.split(":")[0]);
    for (const [phase, hits] of counts) process.stdout.write(`${phase}: killed at ${hits.length} points\n`);
    for (const point of chain?.hits ?? []) process.stdout.write(`  ${point}\n`);
    await chain?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const userOf = ({ id }: { id: string }) => agentUserId(chain.observer.serverName, id);
  const aliasOf = ({ id }: { id: string }) => `#${agentLocalpart(id)}:${chain.observer.serverName}`;
  const roomsOf = (rooms: readonly SeenRoom[], agent: { id: string }) =>
    rooms.filter(({ creator }) => creator === userOf(agent));
  const spaceIn = (rooms: readonly SeenRoom[]): SeenRoom => {
    const spaces = rooms.filter(({ isSpace }) => isSpace);
    expect(spaces).toHaveLength(1);
    return spaces[0] as SeenRoom;
  };

  function expectAtHome(rooms: readonly SeenRoom[], agent: { id: string; name: string }, room: SeenRoom | undefined) {
    const { ada } = chain.observer;
    expect(room?.membershipOf(userOf(agent))).toBe("join");
    expect(room?.membershipOf(ada.userId)).toMatch(/invite|join/);
    expect(room?.content("m.room.name")).toEqual({ name: `${agent.name} - Letta Agent Chat` });
    expect(room?.content(marker)).toEqual({ agent_id: agent.id });
    expect(room?.content("m.space.parent", spaceIn(rooms).roomId)).toMatchObject({ canonical: true });
  }

  test("each agent has one user, one room and one entry in the one space", async () => {
    // One after the other, so that nobody dies of somebody else's request before coming to its own.
    await chain.phase("space", [], { spared: ["discovery listAgents, committed"] });
    const spared = chain.hits.map((point) => point.replace(/^space: /, ""));
    await chain.phase("provision", [goes], { spared });
    await chain.phase("another", [goes, stays], { spared });
    expect((await chain.observer.agentUsers()).toSorted()).toEqual([stays, goes].map(userOf).toSorted());
    const rooms = await chain.observer.rooms();
    expect(rooms).toHaveLength(3);
    const homes = [stays, goes].map((agent) => roomsOf(rooms, agent)[0]);
    expect(spaceIn(rooms).children.toSorted()).toEqual(homes.map((room) => room?.roomId).toSorted());
    for (const [n, agent] of [stays, goes].entries()) {
      expectAtHome(rooms, agent, homes[n]);
      expect(await chain.observer.named(aliasOf(agent))).toBe(homes[n]?.roomId);
    }
    oldRoom = homes[1]?.roomId ?? "";
  });

  test("each room begins with what was said in Letta before, once", async () => {
    const { ada } = chain.observer;
    for (const agent of [stays, goes]) {
      const { events } = await ada.read(await ada.join(aliasOf(agent)), undefined);
      const said = events.filter(({ type }) => type === "m.room.message");
      expect(said.map(({ content }) => content["body"])).toEqual(pastOf(agent));
      for (const { content } of said) expect(content).toMatchObject({ "m.letta_historical": true });
    }
  });

  test("whoever asks an agent that is about to go gets one plain error", async () => {
    const { ada } = chain.observer;
    const meanwhile = async (life: Life) => {
      await ada.send(oldRoom, "question", { msgtype: "m.text", body: "Are you there?" });
      await life.asked(1, 30_000);
    };
    await chain.phase("ask", [stays, goes], { meanwhile });
    await chain.phase("retire", [stays]);
    const { events } = await ada.read(oldRoom, undefined);
    const endings = events.filter(({ content }) => turnMarkOf(content)?.final === true);
    expect(endings).toHaveLength(1);
    expect(endings[0]?.content["body"]).toContain("Goes is not in Letta any more");
    expect(turnMarkOf(endings[0]?.content)?.outcome).toBe("error");
  });

  test("the agent that is gone has left its room, which says so once, keeps its history, and is in no space", async () => {
    const rooms = await chain.observer.rooms();
    expect(rooms).toHaveLength(3);
    const left = rooms.find(({ roomId }) => roomId === oldRoom);
    expect(left?.membershipOf(userOf(goes))).toBe("leave");
    expect(left?.content(marker)).toEqual({ agent_id: goes.id, retired: true });
    expect(left?.content("m.room.canonical_alias")).toEqual({});
    expect(left?.content("m.space.parent", spaceIn(rooms).roomId)).toEqual({});
    expect(spaceIn(rooms).children).toEqual([roomsOf(rooms, stays)[0]?.roomId]);
    expect(await chain.observer.named(aliasOf(goes))).toBeUndefined();
    const { events } = await chain.observer.ada.read(oldRoom, undefined);
    const notices = events.filter(({ content }) => content["msgtype"] === "m.notice" && !("m.relates_to" in content));
    expect(notices.map(({ content }) => content["body"])).toEqual([
      ...pastOf(goes),
      expect.stringContaining("nobody answers here"),
    ]);
    expect(events.map(({ content }) => content["body"])).toContain("Are you there?");
    expectAtHome(rooms, stays, roomsOf(rooms, stays)[0]);
  });

  test("the agent that is back has the same user and one new room", async () => {
    await chain.phase("return", [stays, goes]);
    expect((await chain.observer.agentUsers()).toSorted()).toEqual([stays, goes].map(userOf).toSorted());
    const rooms = await chain.observer.rooms();
    expect(rooms).toHaveLength(4);
    const home = roomsOf(rooms, goes).find(({ roomId }) => roomId !== oldRoom);
    expectAtHome(rooms, goes, home);
    expect(await chain.observer.named(aliasOf(goes))).toBe(home?.roomId);
    expect(spaceIn(rooms).children.toSorted()).toEqual([home?.roomId, roomsOf(rooms, stays)[0]?.roomId].toSorted());
    expect(rooms.find(({ roomId }) => roomId === oldRoom)?.content(marker)).toMatchObject({ retired: true });
    const { ada } = chain.observer;
    const { events } = await ada.read(await ada.join(aliasOf(goes)), undefined);
    const said = events.filter(({ type }) => type === "m.room.message");
    expect(said.map(({ content }) => content["body"])).toEqual(pastOf(goes));
  });

  test.each(required)("it was killed before and after each request that changes something: %s", (phase, requests) => {
    for (const request of requests)
      for (const when of ["before", "after"])
        expect(chain.hits, `${request}, ${when}`).toContainEqual(
          expect.stringMatching(new RegExp(`^${namesOf(phase)}: .*\\b${request}, ${when}$`)),
        );
  });

  test.each(committed)("it was killed when each step was written down: %s", (phase, steps) => {
    for (const step of steps)
      expect(chain.hits).toContainEqual(expect.stringMatching(new RegExp(`^${namesOf(phase)}: ${step}, committed$`)));
  });
});

/** Both agents are provisioned: where one died of what went on beside it, the other came to this. */
function namesOf(phase: string): string {
  return phase === "provision" ? "(provision|another)" : phase;
}

const room = ["createRoom", "send m.room.message", "sendState m.space.child", "invite"];
const required: readonly (readonly [phase: string, requests: readonly string[]])[] = [
  ["space", ["register", "login", "createRoom", "invite"]],
  ["provision", ["register", "login", "upload", "setAvatarUrl", ...room]],
  [
    "retire",
    [
      "send m.room.message",
      "sendState io.letta_matrix.room",
      "sendState m.room.canonical_alias",
      "deleteAlias",
      "sendState m.space.child",
      "sendState m.space.parent",
      "leave",
    ],
  ],
  ["return", room],
];

const roomSteps = ["resolveRoom", "importHistory", "linkToSpace", "furnishRoom", "invitePeople"].map(
  (step) => `agent ${step}`,
);
const committed: readonly (readonly [phase: string, steps: readonly string[]])[] = [
  [
    "space",
    ["ensureBot", "resolveSpace", "listResidents", "furnishSpace", "inviteToSpace", "sweepSpace"].map(
      (step) => `space ${step}`,
    ),
  ],
  ["provision", ["discovery listAgents", "agent ensureAccount", "agent ensureProfile", ...roomSteps]],
  [
    "retire",
    ["listConversations", "awaitClosed", "markRetired", "releaseAlias", "unlinkRoom", "leaveRoom"].map(
      (step) => `agent ${step}`,
    ),
  ],
  ["return", roomSteps],
];
