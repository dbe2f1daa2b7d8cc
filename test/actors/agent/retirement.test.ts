import { beforeEach, describe, expect, test } from "vitest";
import { poll } from "../../../src/actors/agent/intake.ts";
import { linkToSpace } from "../../../src/actors/agent/link.ts";
import {
  awaitClosed,
  leaveRoom,
  listConversations,
  markRetired,
  releaseAlias,
  unlinkRoom,
} from "../../../src/actors/agent/retirement.ts";
import { createRoom, resolveRoom } from "../../../src/actors/agent/room.ts";
import { Bot } from "../../../src/actors/bot.ts";
import { Directory } from "../../../src/actors/directory.ts";
import { addressOf, agentOf } from "../../../src/machines/addresses.ts";
import type { ActorId } from "../../../src/runtime/actor-id.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { recordOf } from "../agent-record.ts";
import { effectContext } from "../effect-context.ts";
import { anna, type Town, town } from "../town.ts";

const options = {
  server: "test",
  botUserId: "@bot:test",
  people: [],
  admins: [],
  readers: [],
  nameTemplate: "{agent}",
};
const alias = "#agent_1:test";
const marker = "io.letta_matrix.room";
const context = () => effectContext<never>();
const signal = new AbortController().signal;

let t: Town;
let spaceId: string;
let roomId: string;
let userId: string;

beforeEach(async () => {
  t = await town();
  const bot = new Bot(t.sessions, "@bot:test");
  await bot.ensure(signal);
  spaceId = t.homeserver.makeRoom("@bot:test");
  ({ userId } = t);
  ({ roomId } = await create());
  await linkToSpace(t.sessions, options)({ userId, agentId: "agent-1", name: "Scout", roomId, spaceId }, context());
});

function create() {
  return createRoom(t.sessions, options)(
    { userId, agentId: "agent-1", name: "Scout", avatarUrl: null, spaceId },
    context(),
  );
}

async function retire(): Promise<void> {
  await markRetired(t.sessions)({ userId, agentId: "agent-1", roomId, name: "Scout" }, context());
  await releaseAlias(t.sessions, options)({ userId, agentId: "agent-1", roomId }, context());
  await unlinkRoom(t.sessions, options)({ userId, roomId, spaceId }, context());
  await leaveRoom(t.sessions)({ userId, roomId, spaceId }, context());
}

describe("retirement", () => {
  test("leaves a room that says so, keeps its history, and is in no space and under no alias any more", async () => {
    await retire();
    const room = t.homeserver.room(roomId);
    expect(room.state(marker, "")).toEqual({ agent_id: "agent-1", retired: true });
    expect(room.events.filter(({ type }) => type === "m.room.message")).toMatchObject([
      {
        sender: userId,
        content: { msgtype: "m.notice", body: expect.stringContaining("Scout is not in Letta any more") },
      },
    ]);
    expect(room.membershipOf(userId)).toBe("leave");
    expect(room.state("m.space.parent", spaceId)).toEqual({});
    expect(t.homeserver.room(spaceId).state("m.space.child", roomId)).toEqual({});
    expect(t.homeserver.aliases.has(alias)).toBe(false);
  });

  test("done twice, or wholly again, writes nothing new", async () => {
    await retire();
    const before = t.homeserver.place;
    t.homeserver.forgetTransactions();
    await retire();
    expect(t.homeserver.place).toBe(before);
  });

  test("says so once although the mark was not made and the homeserver has forgotten the word", async () => {
    t.homeserver.fail("sendState", matrixError("unreachable"));
    await expect(retire()).rejects.toThrow();
    t.homeserver.forgetTransactions();
    await retire();
    expect(t.homeserver.room(roomId).events.filter(({ type }) => type === "m.room.message")).toHaveLength(1);
  });

  test("from a room that the agent was thrown out of takes it out of the space all the same", async () => {
    t.homeserver.setMember(roomId, userId, "leave", "@mallory:test");
    const before = t.homeserver.room(roomId).events.length;
    await retire();
    expect(t.homeserver.room(roomId).events).toHaveLength(before);
    expect(t.homeserver.room(spaceId).state("m.space.child", roomId)).toEqual({});
    expect(t.homeserver.aliases.has(alias)).toBe(false);
  });

  test("of an agent that may not write in its room any more does not fail for that", async () => {
    t.homeserver.fail("send", matrixError("forbidden"));
    t.homeserver.fail("sendState", matrixError("forbidden"), 1, ({ user }) => user === userId);
    await retire();
    expect(t.homeserver.room(roomId).membershipOf(userId)).toBe("leave");
  });

  test.each(["unreachable", "limited", "malformed"] as const)(
    "is not done while the homeserver says %s",
    async (kind) => {
      for (const call of ["joinedRooms", "send", "sendState", "deleteAlias", "leave"]) {
        t.homeserver.fail(call, matrixError(kind));
        await expect(retire()).rejects.toMatchObject({ kind });
      }
      await retire();
      expect(t.homeserver.room(roomId).membershipOf(userId)).toBe("leave");
      expect(t.homeserver.room(roomId).events.filter(({ type }) => type === "m.room.message")).toHaveLength(1);
    },
  );

  test("leaves the space, too, where somebody has taken the agent into that", async () => {
    t.homeserver.setMember(spaceId, userId, "join");
    await retire();
    expect(t.homeserver.room(spaceId).membershipOf(userId)).toBe("leave");
  });

  test("leaves an alias alone that names another room by now", async () => {
    t.homeserver.aliases.set(alias, t.roomId);
    await retire();
    expect(t.homeserver.aliases.get(alias)).toBe(t.roomId);
  });
});

describe("an agent that is back", () => {
  test("gets another room, under the same alias", async () => {
    await retire();
    const resolve = resolveRoom(t.sessions, options, t.clock);
    expect(await resolve({ userId, agentId: "agent-1", roomId: null }, context())).toEqual({ roomId: null });
    const another = await create();
    expect(another.roomId).not.toBe(roomId);
    expect(t.homeserver.aliases.get(alias)).toBe(another.roomId);
  });

  test("takes the alias over from its retired room, where that could not give it free", async () => {
    await retire();
    t.homeserver.aliases.set(alias, roomId);
    const resolve = resolveRoom(t.sessions, options, t.clock);
    expect(await resolve({ userId, agentId: "agent-1", roomId: null }, context())).toEqual({ roomId: null });
    expect(t.homeserver.aliases.has(alias)).toBe(false);
  });
});

describe("what was said while an agent was retired", () => {
  test("is heard in the rooms it stayed in, from where it had stopped, and nothing before that is heard again", async () => {
    const elsewhere = t.homeserver.makeRoom(anna);
    t.homeserver.setMember(elsewhere, userId, "join");
    const say = (room: string, body: string) =>
      t.homeserver.post(room, {
        sender: anna,
        content: { msgtype: "m.text", body, "m.mentions": { user_ids: [userId] } },
      });
    say(elsewhere, "before");
    say(roomId, "before, at home");
    const since = `s${t.homeserver.place}`;
    await retire();
    say(elsewhere, "meanwhile");
    const another = await create();
    const commands = { people: new Set<string>() };
    const guests = { server: "test", people: new Set<string>(), servers: new Set<string>() };
    const hear = poll(t.sessions, t.clock, options, guests, commands);
    const { heard } = await hear({ userId, roomId: another.roomId, since }, context());
    expect(heard).toMatchObject([{ kind: "question", roomId: elsewhere, question: { text: "meanwhile" } }]);
  });
});

describe("the conversations of who leaves", () => {
  const own = addressOf.conversation("test", "agent-1", "!room:test");
  const others = addressOf.conversation("test", "agent-2", "!room:test");
  let contexts: Map<ActorId, Readonly<Record<string, unknown>>>;

  function directory(): Directory {
    const conversation = (id: ActorId) =>
      recordOf({ id, machine: "conversation", value: "idle", context: contexts.get(id) ?? {} });
    return new Directory(
      {
        async *list(_, __, agentId) {
          for (const id of contexts.keys()) if (agentOf(id) === agentId) yield conversation(id);
        },
        read: conversation,
      },
      "test",
    );
  }

  test("are its own", async () => {
    contexts = new Map([own, others].map((id) => [id, { queue: [] }]));
    expect(await listConversations(directory())({ agentId: "agent-1" }, context())).toEqual([own]);
  });

  test("are waited for until they are closed and owe nothing", async () => {
    contexts = new Map([[own, { queue: [] }]]);
    let isOver = false;
    const over = awaitClosed(directory(), t.clock)({ agentId: "agent-1" }, context()).then(() => {
      isOver = true;
    });
    for (const next of [
      { queue: [{}], closed: "gone" },
      { queue: [], current: {}, closed: "gone" },
    ]) {
      await t.clock.advance(500);
      expect(isOver).toBe(false);
      contexts.set(own, next);
    }
    await t.clock.advance(500);
    expect(isOver).toBe(false);
    contexts.set(own, { queue: [], closed: "gone" });
    await t.clock.advance(500);
    await over;
  });

  test("keep nobody here for ever", async () => {
    contexts = new Map([[own, { queue: [] }]]);
    const over = awaitClosed(directory(), t.clock)({ agentId: "agent-1" }, context());
    await t.clock.advance(600_000);
    await over;
  });
});
