import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { invitePeople, linkToSpace } from "../../../src/actors/agent/link.ts";
import { createRoom, type RoomOptions, resolveRoom } from "../../../src/actors/agent/room.ts";
import { Bot } from "../../../src/actors/bot.ts";
import { roomMarker } from "../../../src/actors/marker.ts";
import { matrixError } from "../../ports/fake-homeserver.ts";
import { effectContext } from "../effect-context.ts";
import { type Town, town } from "../town.ts";

const options: RoomOptions = {
  server: "test",
  botUserId: "@bot:test",
  people: ["@anna:test", "@bert:test", "@carl:test"],
  admins: [],
  readers: [],
  nameTemplate: "{agent} (agent)",
};
const mark = { type: roomMarker, stateKey: "", content: { agent_id: "agent-1" } };
const alias = "#agent_1:test";

let t: Town;
const context = () => effectContext<never>();
const wanted = (rest: { name?: string; avatarUrl?: string } = {}) => ({
  userId: t.userId,
  agentId: "agent-1",
  name: "Scout",
  avatarUrl: null,
  spaceId: "!space:test",
  ...rest,
});

beforeEach(async () => {
  t = await town();
});

describe("the agent's alias", () => {
  let effect: ReturnType<typeof resolveRoom>;
  beforeEach(() => {
    effect = resolveRoom(t.sessions, options, t.clock);
  });
  const resolve = (roomId: string | null = null) => effect({ userId: t.userId, agentId: "agent-1", roomId }, context());

  test("that names nothing yet", async () => {
    expect(await resolve()).toEqual({ roomId: null });
  });

  test("that names the room that the agent made", async () => {
    const input = wanted();
    const { roomId } = await createRoom(t.sessions, options)(input, context());
    expect(await resolve()).toEqual({ roomId });
    await expect(createRoom(t.sessions, options)(input, context())).rejects.toMatchObject({ kind: "taken" });
  });

  test("that somebody else has squatted is refused, visibly", async () => {
    t.homeserver.makeRoom("@mallory:test", { aliasLocalpart: "agent_1", initialState: [mark] });
    await expect(resolve()).rejects.toMatchObject({ kind: "squatted", message: expect.stringContaining(alias) });
  });

  test("is refused also when the squatter shows our mark to everybody", async () => {
    const open = { type: "m.room.history_visibility", stateKey: "", content: { history_visibility: "world_readable" } };
    t.homeserver.makeRoom("@mallory:test", { aliasLocalpart: "agent_1", initialState: [mark, open] });
    await expect(resolve()).rejects.toMatchObject({ kind: "squatted" });
  });

  test("is refused also when the squatter has the agent in the room", async () => {
    const roomId = t.homeserver.makeRoom("@mallory:test", { aliasLocalpart: "agent_1", initialState: [mark] });
    t.homeserver.setMember(roomId, t.userId, "join");
    await expect(resolve()).rejects.toMatchObject({ kind: "squatted" });
  });

  test("is waited for while the homeserver makes the room, and another room is made when it was killed at that", async () => {
    t.homeserver.aliases.set(alias, t.roomId);
    await expect(resolve()).rejects.toMatchObject({ kind: "unfinished" });
    expect(t.homeserver.aliases.get(alias)).toBe(t.roomId);
    await t.clock.pass(590_000);
    t.homeserver.post(t.roomId, { sender: t.userId, type: "m.room.topic", stateKey: "", content: { topic: "more" } });
    for (const pause of [20_000, 580_000, 1]) {
      await expect(resolve()).rejects.toMatchObject({ kind: "unfinished" });
      await t.clock.pass(pause);
    }
    expect(await resolve()).toEqual({ roomId: null });
    expect(t.homeserver.aliases.has(alias)).toBe(false);
    expect(t.homeserver.room(t.roomId).membershipOf(t.userId)).toBe("leave");
    const { roomId } = await createRoom(t.sessions, options)(wanted(), context());
    expect(await resolve()).toEqual({ roomId });
  });

  test("is never taken from a room that was ours once, however it is marked now", async () => {
    t.homeserver.aliases.set(alias, t.roomId);
    t.homeserver.post(t.roomId, { sender: t.userId, ...mark, content: {} });
    await expect(resolve()).rejects.toMatchObject({ kind: "squatted" });
    await t.clock.pass(10_000_000);
    await expect(resolve()).rejects.toMatchObject({ kind: "squatted" });
    expect(t.homeserver.aliases.get(alias)).toBe(t.roomId);
  });

  test("is refused for a room of ours that is another agent's", async () => {
    t.homeserver.aliases.set(alias, t.roomId);
    t.homeserver.post(t.roomId, { sender: t.userId, ...mark, content: { agent_id: "agent-2" } });
    await expect(resolve()).rejects.toMatchObject({ kind: "squatted" });
  });

  test("#13 is not taken for free while the homeserver does not answer", async () => {
    t.homeserver.fail("resolveAlias", matrixError("unreachable"));
    await expect(resolve()).rejects.toMatchObject({ kind: "unreachable" });
    t.homeserver.aliases.set(alias, t.roomId);
    t.homeserver.fail("roomState", matrixError("limited"));
    await expect(resolve()).rejects.toMatchObject({ kind: "limited" });
  });

  test("#13 a room with a long past is still known for the agent's own", async () => {
    t.homeserver.aliases.set(alias, t.roomId);
    t.homeserver.post(t.roomId, { sender: t.userId, ...mark });
    for (let n = 0; n < 500; n++) t.say("hello");
    expect(await resolve()).toEqual({ roomId: t.roomId });
  });
});

test("the room is created in one request that carries all it is known by", async () => {
  await createRoom(t.sessions, options)(wanted({ avatarUrl: "mxc://test/scout" }), context());
  const bridge = {
    stateKey: "io.letta_matrix://letta/agent-1",
    content: {
      bridgebot: "@bot:test",
      creator: t.userId,
      protocol: { id: "letta", displayname: "Letta" },
      channel: { id: "agent-1", displayname: "Scout" },
    },
  };
  expect(t.homeserver.requests.at(-1)).toEqual({
    user: t.userId,
    call: "createRoom",
    args: [
      {
        aliasLocalpart: "agent_1",
        name: "Scout (agent)",
        topic: expect.stringContaining("Scout"),
        initialState: [
          mark,
          { type: "m.bridge", ...bridge },
          { type: "uk.half-shot.bridge", ...bridge },
          { type: "io.element.functional_members", stateKey: "", content: { service_members: ["@bot:test"] } },
          { type: "m.room.avatar", stateKey: "", content: { url: "mxc://test/scout" } },
          { type: "m.space.parent", stateKey: "!space:test", content: { via: ["test"], canonical: true } },
        ],
      },
    ],
  });
});

test("the room's admins have all power from the start, its readers none to write, and both are invited as it is made", async () => {
  const all = { ...options, admins: ["@admin:test"], readers: ["@letta:test"] };
  await createRoom(t.sessions, all)(wanted(), context());
  expect(t.homeserver.requests.at(-1)).toMatchObject({
    args: [
      { powerLevels: { users: { "@admin:test": 100, "@letta:test": -1 } }, invite: ["@letta:test", "@admin:test"] },
    ],
  });
});

test("the room is called as the agent is, whatever is in its name", async () => {
  await createRoom(t.sessions, options)(wanted({ name: "Cash $$ and $& more" }), context());
  expect(t.homeserver.requests.at(-1)).toMatchObject({ args: [{ name: "Cash $$ and $& more (agent)" }] });
});

test("the room has a name that homeservers take, however long the agent's is", async () => {
  await createRoom(t.sessions, options)(wanted({ name: "🎭".repeat(5_000) }), context());
  const [request] = t.homeserver.requests.at(-1)?.args ?? [];
  const { name } = z.object({ name: z.string() }).parse(request);
  expect([...name].length).toBeLessThanOrEqual(255);
  expect(name).toMatch(/^(🎭)+…$/u);
});

describe("the link to the space", () => {
  test("is written on both sides, each by who may", async () => {
    const bot = new Bot(t.sessions, "@bot:test");
    await bot.ensure(context().signal);
    const spaceId = t.homeserver.makeRoom("@bot:test");
    const input = { userId: t.userId, agentId: "agent-1", name: "Scout", roomId: t.roomId, spaceId };
    await linkToSpace(t.sessions, options)(input, context());
    expect(t.homeserver.room(spaceId).state("m.space.child", t.roomId)).toMatchObject({
      via: ["test"],
      suggested: true,
      order: "scout",
    });
    expect(t.homeserver.room(t.roomId).state("m.space.parent", spaceId)).toMatchObject({ canonical: true });
  });

  test("#10 needs no login of the agent when it is the bot's session that was refused", async () => {
    const bot = new Bot(t.sessions, "@bot:test");
    await bot.ensure(context().signal);
    const spaceId = t.homeserver.makeRoom("@bot:test");
    t.homeserver.refuseTokens("@bot:test");
    const input = { userId: t.userId, agentId: "agent-1", name: "Scout", roomId: t.roomId, spaceId };
    await linkToSpace(t.sessions, options)(input, context());
    expect(t.homeserver.count("login", "@bot:test")).toBe(1);
    expect(t.homeserver.count("login", t.userId)).toBe(0);
  });
});

describe("#12 the core users", () => {
  const core = { ...options, people: [], admins: ["@admin:test"], readers: ["@letta:test"] };
  const invite = () => invitePeople(t.sessions, core)({ userId: t.userId, roomId: t.roomId }, context());
  const membershipOf = (user: string) => t.homeserver.room(t.roomId).membershipOf(user);

  test("are invited again when they left; who was banned is not", async () => {
    t.homeserver.setMember(t.roomId, "@admin:test", "leave");
    await invite();
    expect(["@admin:test", "@letta:test"].map(membershipOf)).toEqual(["invite", "invite"]);
    t.homeserver.setMember(t.roomId, "@admin:test", "ban", t.userId);
    await invite();
    expect(membershipOf("@admin:test")).toBe("ban");
    expect(t.homeserver.count("invite")).toBe(2);
  });
});

describe("#12 people", () => {
  const invite = () => invitePeople(t.sessions, options)({ userId: t.userId, roomId: t.roomId }, context());
  const invited = () =>
    t.homeserver.requests.filter(({ call }) => call === "invite").map(({ args: [, person] }) => person);

  test("are invited who never were; who left or was banned is not", async () => {
    t.homeserver.setMember(t.roomId, "@anna:test", "leave");
    t.homeserver.setMember(t.roomId, "@bert:test", "ban", t.userId);
    await invite();
    expect(invited()).toEqual(["@carl:test"]);
    await invite();
    expect(invited()).toEqual(["@carl:test"]);
  });

  test("are invited although one of them cannot be, which is told afterwards", async () => {
    t.homeserver.fail("invite", matrixError("limited", 333_000), 1, ({ args: [, person] }) => person === "@bert:test");
    await expect(invite()).rejects.toMatchObject({ kind: "limited", retryAfterMs: 333_000 });
    expect(t.homeserver.room(t.roomId).membershipOf("@carl:test")).toBe("invite");
    await invite();
    expect(t.homeserver.room(t.roomId).membershipOf("@bert:test")).toBe("invite");
  });

  test("what ends by itself decides about the next try", async () => {
    t.homeserver.fail("invite", matrixError("forbidden"), 1, ({ args: [, person] }) => person === "@bert:test");
    t.homeserver.fail("invite", matrixError("limited", 5), 1, ({ args: [, person] }) => person === "@carl:test");
    await expect(invite()).rejects.toMatchObject({ kind: "limited" });
  });

  test("wait while the homeserver is away", async () => {
    t.homeserver.fail("invite", matrixError("unreachable"));
    await expect(invite()).rejects.toMatchObject({ kind: "unreachable" });
    expect(invited()).toHaveLength(1);
  });
});
