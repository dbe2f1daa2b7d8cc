import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deleteAgent } from "../servers/letta-agents.ts";
import { transportOfRun } from "../servers/transports.ts";
import { answerTo, expectOneAnswerEach, saidBy } from "./answers.ts";
import { eventually } from "./eventually.ts";
import { type Resident, startWorld, type World } from "./world.ts";

const transport = transportOfRun();

/** How agents come, go and are left out, and that their space stays whole. Agents are listed only when a test says so. */
describe(`agents that come and go, and their space, on a real Synapse and a real Letta, by ${transport}`, {
  timeout: 120_000,
}, () => {
  let world: World;
  let failed = true;

  beforeAll(async () => {
    world = await startWorld({
      transport,
      config: { discovery: { interval: "1h", grace: "8s" }, audit: { interval: "4s" } },
    });
    await world.start();
  }, 300_000);

  afterAll(() => world?.close({ keep: failed }), 60_000);

  const discover = () => world.app.command("discovery", "run");

  /** A new agent, which is found because somebody asks. */
  async function newAgent(name: string): Promise<Resident> {
    let isThere = false;
    const resident = world.agent(name).finally(() => {
      isThere = true;
    });
    while (!isThere) {
      await discover();
      await sleep(200);
    }
    return resident;
  }

  const lifeOf = async ({ agentId }: Resident) =>
    (await world.app.status()).agents.find((agent) => agent.agentId === agentId)?.regions["life"];
  const bot = () => `@letta-matrix:${world.stack.synapse.serverName}`;
  const spaceAlias = () => `#letta-agents:${world.stack.synapse.serverName}`;
  const named = async (alias: string) => {
    const answer = await world.admin.request("GET", `/directory/room/${encodeURIComponent(alias)}`).catch(() => ({}));
    return Reflect.get(Object(answer), "room_id") as string | undefined;
  };
  const stateOf = async (roomId: string, type: string, key = "") => {
    const path = `/_synapse/admin/v1/rooms/${encodeURIComponent(roomId)}/state`;
    const { state } = (await world.admin.request("GET", path)) as { state: readonly Record<string, unknown>[] };
    return state.find((event) => event["type"] === type && event["state_key"] === key)?.["content"];
  };

  it("discovery run finds a new agent at once, and says so", async () => {
    const scout = await newAgent("Scout");
    expect(await discover()).toEqual({ code: 0, out: "1 agent listed: nothing has changed\n", err: "" });
    const spaceId = (await named(spaceAlias())) ?? "";
    expect(await stateOf(spaceId, "m.space.child", scout.roomId)).toMatchObject({ order: "scout", suggested: true });
  });

  it("#44 an agent that was deleted in Letta leaves after its grace, and its room keeps what was said", async () => {
    const { anna } = world;
    const goes = await newAgent("Goes");
    const before = await world.ask(goes, "Are you there?");
    await answerTo(anna, goes, before.questionId);
    await deleteAgent(world.stack.letta.url, goes.agentId);
    expect((await discover()).out).toContain("1 missing");
    expect((await discover()).out).toContain("1 missing");
    expect(await lifeOf(goes)).toBe("missing");
    await sleep(8_000);
    expect(await lifeOf(goes)).toBe("missing");
    await discover();
    await eventually("its retirement", async () => (await lifeOf(goes)) === "retired" || undefined);

    expect(await stateOf(goes.roomId, "m.room.member", goes.userId)).toMatchObject({ membership: "leave" });
    expect(await stateOf(goes.roomId, "io.letta_matrix.room")).toEqual({ agent_id: goes.agentId, retired: true });
    expect(await named(`#${goes.userId.slice(1)}`)).toBeUndefined();
    const spaceId = (await named(spaceAlias())) ?? "";
    expect(await stateOf(spaceId, "m.space.child", goes.roomId)).toEqual({});
    const said = await eventually("its last word", () => {
      const words = saidBy(anna, goes);
      return words.at(-1)?.msgtype === "m.notice" ? words : undefined;
    });
    expect(said.at(-1)?.body).toContain("Goes is not in Letta any more");
    expectOneAnswerEach(anna, goes, [before.questionId]);
    expect(await discover()).toMatchObject({ out: "1 agent listed: nothing has changed\n" });
  });

  it("an agent that is left out hears nothing, and answers what was said meanwhile when it is not left out any more", async () => {
    const { anna, app } = world;
    const quiet = await newAgent("Quiet");
    await app.stop();
    await app.start({ LETTA_MATRIX_DISCOVERY_DISABLED: quiet.agentId });
    await eventually("its being left out", async () => (await lifeOf(quiet)) === "disabled" || undefined);
    const { questionId } = await world.ask(quiet, "Can you hear me?");
    await sleep(2_000);
    expect(saidBy(anna, quiet)).toEqual([]);
    await app.restart();
    expect((await answerTo(anna, quiet, questionId)).outcome).toBe("answer");
  });

  it("#14 #15 a space that its bot was taken out of is made again, once, with all agents in it", async () => {
    const { anna } = world;
    const old = (await named(spaceAlias())) ?? "";
    const own = await world.as(bot());
    await own.leave(old);
    const spaceId = await eventually("another space", async () => {
      const now = await named(spaceAlias());
      return now === old ? undefined : now;
    });
    const { agents } = await world.app.status();
    const present = agents.filter(({ regions }) => regions["life"] === "live");
    expect(present).toHaveLength(2);
    expect(new Set(present.map(({ roomId }) => roomId)).size).toBe(2);
    for (const { roomId = "", userId } of present)
      expect(await stateOf(roomId, "m.room.member", userId)).toMatchObject({ membership: "join" });
    for (const { roomId = "" } of present) {
      await eventually(`${roomId} in the new space`, async () => await stateOf(spaceId, "m.space.child", roomId));
      await eventually("the way back", async () => await stateOf(roomId, "m.space.parent", spaceId));
      await eventually("no way to the old one", async () => {
        const content = await stateOf(roomId, "m.space.parent", old);
        return Object.keys(Object(content)).length === 0 || undefined;
      });
    }
    await anna.until("an invitation to the new space", () => anna.inviter(spaceId));
    await sleep(9_000);
    expect(await named(spaceAlias())).toBe(spaceId);
    const requests = await world.stack.synapse.requests();
    const creations = requests.filter(({ user, path }) => user === bot() && path.endsWith("/createRoom"));
    expect(creations).toHaveLength(2);
  });

  it("#16 a space whose name and alias somebody changed has them again", async () => {
    const spaceId = (await named(spaceAlias())) ?? "";
    const own = await world.as(bot());
    const room = encodeURIComponent(spaceId);
    await own.request("PUT", `/rooms/${room}/state/m.room.name/`, { name: "Something else" });
    await own.request("DELETE", `/directory/room/${encodeURIComponent(spaceAlias())}`);
    await eventually("its alias", async () => (await named(spaceAlias())) === spaceId || undefined);
    await eventually("its name", async () => {
      const content = await stateOf(spaceId, "m.room.name");
      return Reflect.get(Object(content), "name") === "Letta Agents" || undefined;
    });
    failed = false;
  });
});
