import { beforeEach, describe, expect, test } from "vitest";
import { Directory } from "../../src/actors/directory.ts";
import { roomMarker } from "../../src/actors/marker.ts";
import { spaceBehaviour } from "../../src/actors/space/behaviour.ts";
import { effectContext } from "./effect-context.ts";
import { type Town, town } from "./town.ts";

const bot = "@bot:test";
const options = {
  server: "test",
  botLocalpart: "bot",
  name: "Letta Agents",
  aliasLocalpart: "letta-agents",
  people: ["@anna:test"],
};

let t: Town;

beforeEach(async () => {
  t = await town();
  await run("ensureBot");
});

async function run(effect: string, input: unknown = {}): Promise<unknown> {
  const directory = new Directory({ async *list() {}, read: () => undefined }, "test");
  return await spaceBehaviour(t.sessions, directory, options).children[effect]?.(input, effectContext());
}

describe("the space", () => {
  test("is made once, private, and found again", async () => {
    expect(await run("resolveSpace")).toEqual({ spaceId: null });
    const made = await run("createSpace");
    expect(await run("resolveSpace")).toEqual(made);
    await expect(run("createSpace")).rejects.toMatchObject({ kind: "taken" });
    expect(t.homeserver.requests.find(({ call }) => call === "createRoom")?.args[0]).toMatchObject({
      roomType: "m.space",
      powerLevels: { events_default: 100, users: { [bot]: 100 } },
    });
  });

  test("that somebody else has made under its alias is refused, whatever it looks like", async () => {
    const mark = { type: roomMarker, stateKey: "", content: { agent_id: "space" } };
    const open = { type: "m.room.history_visibility", stateKey: "", content: { history_visibility: "world_readable" } };
    const roomId = t.homeserver.makeRoom("@mallory:test", {
      aliasLocalpart: "letta-agents",
      initialState: [mark, open],
    });
    await expect(run("resolveSpace")).rejects.toMatchObject({ kind: "squatted" });
    t.homeserver.setMember(roomId, bot, "join");
    await expect(run("resolveSpace")).rejects.toMatchObject({ kind: "squatted" });
  });

  test("#12 invites who was never there", async () => {
    const { spaceId } = (await run("createSpace")) as { spaceId: string };
    await run("inviteToSpace", { spaceId });
    expect(t.homeserver.room(spaceId).membershipOf("@anna:test")).toBe("invite");
    t.homeserver.setMember(spaceId, "@anna:test", "leave");
    await run("inviteToSpace", { spaceId });
    expect(t.homeserver.room(spaceId).membershipOf("@anna:test")).toBe("leave");
  });

  test("#38 is not lost with the bot's session, which is renewed once", async () => {
    const { spaceId } = (await run("createSpace")) as { spaceId: string };
    t.homeserver.refuseTokens(bot);
    expect(await run("resolveSpace")).toEqual({ spaceId });
    await run("inviteToSpace", { spaceId });
    expect(t.homeserver.count("login", bot)).toBe(1);
  });
});
