import { expect, it, vi } from "vitest";
import { z } from "zod";
import { renameAgent } from "../../servers/letta-agents.ts";
import { answerTo } from "../answers.ts";
import type { Person } from "../person.ts";
import type { Resident, World } from "../world.ts";

const levels = z.looseObject({ users: z.record(z.string(), z.number()) });
const upgrade = z.object({ replacement_room: z.string() });

/** Waits until this holds. */
function soon(holds: () => Promise<void>): Promise<void> {
  return vi.waitFor(holds, { timeout: 60_000, interval: 200 });
}

/** What becomes of an agent's room when others change it, seen from outside. */
export function homes(world: () => World): void {
  /** Somebody with the power to change everything in the room. */
  async function owner({ roomId }: Resident): Promise<Person> {
    const { admin } = world();
    await world().liftMessageLimits(admin.userId);
    await admin.request("POST", `/_synapse/admin/v1/rooms/${encodeURIComponent(roomId)}/make_room_admin`, {});
    await admin.request("POST", `/join/${encodeURIComponent(roomId)}`, {});
    return admin;
  }

  function set(person: Person, roomId: string, type: string, content: object, stateKey = ""): Promise<unknown> {
    const path = `/rooms/${encodeURIComponent(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`;
    return person.request("PUT", path, { ...content });
  }

  it("an agent shows its picture, in its profile and in its room, and the room says who made it", async () => {
    const { anna, stack } = world();
    const agent = await world().agent("Painter");
    const profile = await anna.request("GET", `/profile/${encodeURIComponent(agent.userId)}`);
    expect(profile).toMatchObject({ displayname: "Painter", avatar_url: expect.stringMatching(/^mxc:/) });
    const { avatar_url: url } = z.object({ avatar_url: z.string() }).parse(profile);
    expect(await anna.state(agent.roomId, "m.room.avatar")).toMatchObject({ url });
    const picture = await anna.download(url);
    expect(picture.type).toBe("image/png");
    const bot = `@letta-matrix:${stack.synapse.serverName}`;
    const key = `io.letta_matrix://letta/${agent.agentId}`;
    for (const type of ["m.bridge", "uk.half-shot.bridge"])
      expect(await anna.state(agent.roomId, type, key)).toMatchObject({ bridgebot: bot, protocol: { id: "letta" } });
    expect(await anna.state(agent.roomId, "io.element.functional_members")).toEqual({ service_members: [bot] });
    const thumbnail = await anna.download(url, "thumbnail", "?width=32&height=32&method=crop");
    expect(thumbnail.type, "the homeserver can read the picture").toMatch(/^image\//);
  });

  it("#16 what somebody changes in an agent's room is put right within seconds", async () => {
    const { anna } = world();
    const agent = await world().agent("Keeper");
    const before = new Map<string, unknown>();
    const types = ["name", "topic", "avatar", "join_rules", "history_visibility", "guest_access", "canonical_alias"];
    for (const type of types) before.set(type, await anna.state(agent.roomId, `m.room.${type}`));
    const vandal = await owner(agent);
    await set(vandal, agent.roomId, "m.room.name", { name: "Mine" });
    await set(vandal, agent.roomId, "m.room.topic", { topic: "Mine" });
    await set(vandal, agent.roomId, "m.room.avatar", {});
    await set(vandal, agent.roomId, "m.room.join_rules", { join_rule: "public" });
    await set(vandal, agent.roomId, "m.room.history_visibility", { history_visibility: "world_readable" });
    await set(vandal, agent.roomId, "m.room.guest_access", { guest_access: "can_join" });
    await set(vandal, agent.roomId, "m.room.canonical_alias", {});
    await soon(async () => {
      for (const type of types)
        expect(await anna.state(agent.roomId, `m.room.${type}`), type).toEqual(before.get(type));
    });
    const changes = anna.events(agent.roomId).filter(({ type }) => type === "m.room.name");
    expect(changes.length, "it is written once for each change").toBeLessThanOrEqual(3);
  });

  it("#16 an agent follows its room's upgrade, says what it may not put right there, and needs an invitation when put out", async () => {
    const agent = await world().agent("Mover");
    const { anna, admin } = world();
    const statusOf = async () => (await world().app.status()).agents.find(({ userId }) => userId === agent.userId);
    const pathOf = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`;
    const before = levels.parse(await anna.state(agent.roomId, "m.room.power_levels"));
    await owner(agent);
    // In the newest room versions only the creator may upgrade a room, unless it lets somebody.
    const asAgent = await world().as(agent.userId);
    await set(asAgent, agent.roomId, "m.room.power_levels", { ...before, users: { [admin.userId]: 150 } });
    const { replacement_room: next } = upgrade.parse(
      await admin.request("POST", `${pathOf(agent.roomId)}/upgrade`, { new_version: "12" }),
    );
    await admin.request("POST", `${pathOf(next)}/invite`, { user_id: agent.userId });
    await soon(async () => {
      const status = await statusOf();
      expect(status?.roomId).toBe(next);
      expect(status?.regions).toMatchObject({ room: "mending" });
      expect(status?.wait?.reason).toContain("M_FORBIDDEN");
    });

    await set(admin, next, "m.room.power_levels", { ...before, users: { [agent.userId]: 100 } });
    await soon(async () => {
      const status = await statusOf();
      expect(status?.regions, status?.wait?.reason).toMatchObject({ room: "ready" });
      expect(await admin.state(next, "io.letta_matrix.room")).toMatchObject({ agent_id: agent.agentId });
      expect(await admin.state(next, "m.room.canonical_alias")).toMatchObject({
        alias: expect.stringContaining("#agent_"),
      });
    });
    await anna.until("an invitation to the new room", () => anna.inviter(next));
    await anna.join(next);
    const { questionId } = await world().ask({ ...agent, roomId: next }, "Are you here, too?");
    expect((await answerTo(anna, { ...agent, roomId: next }, questionId)).outcome).toBe("answer");

    await admin.request("POST", `${pathOf(next)}/kick`, { user_id: agent.userId });
    await soon(async () => {
      const status = await statusOf();
      expect(status?.regions).toMatchObject({ room: "mending" });
      expect(status?.wait?.remedy).toBe(`invite ${agent.userId} into ${next}`);
    });
    await admin.request("POST", `${pathOf(next)}/invite`, { user_id: agent.userId });
    const { questionId: welcome } = await world().ask({ ...agent, roomId: next }, "Welcome back, what was it like?");
    await soon(async () => {
      expect(await anna.state(next, "m.room.member", agent.userId)).toMatchObject({ membership: "join" });
      expect((await statusOf())?.regions).toMatchObject({ room: "ready" });
    });
    expect((await answerTo(anna, { ...agent, roomId: next }, welcome)).outcome).toBe("answer");
    const { questionId: again } = await world().ask({ ...agent, roomId: next }, "Are you back?");
    expect((await answerTo(anna, { ...agent, roomId: next }, again)).outcome).toBe("answer");
  });

  it("#43 a rename in Letta reaches the agent's profile and its room", async () => {
    const { anna, stack } = world();
    const agent = await world().agent("Formerly");
    await renameAgent(stack.letta.url, agent.agentId, "Nowadays");
    await soon(async () => {
      expect(await anna.state(agent.roomId, "m.room.name")).toMatchObject({ name: "Nowadays - Letta Agent Chat" });
      expect(await anna.state(agent.roomId, "m.room.topic")).toMatchObject({
        topic: expect.stringContaining("Nowadays"),
      });
      expect(await anna.state(agent.roomId, "m.room.member", agent.userId)).toMatchObject({ displayname: "Nowadays" });
    });
    const names = () => anna.events(agent.roomId).filter(({ type }) => type === "m.room.name");
    await anna.until("both names", () => (names().length > 1 ? true : undefined));
    expect(names()).toHaveLength(2);
  });

  it("#12 a person who left is not invited again, however often the room is looked at", async () => {
    const { anna, bert } = world();
    const agent = await world().agent("Hospitable");
    await bert.until("the invitation", () => bert.inviter(agent.roomId));
    await bert.leave(agent.roomId);
    const vandal = await owner(agent);
    await set(vandal, agent.roomId, "m.room.topic", { topic: "Mine" });
    await soon(async () =>
      expect(await anna.state(agent.roomId, "m.room.topic")).toMatchObject({
        topic: expect.stringContaining("Hospitable"),
      }),
    );
    await soon(async () =>
      expect((await world().app.status()).agents.find(({ userId }) => userId === agent.userId)?.regions).toMatchObject({
        room: "ready",
      }),
    );
    expect(await anna.state(agent.roomId, "m.room.member", bert.userId)).toMatchObject({ membership: "leave" });
  });
}
