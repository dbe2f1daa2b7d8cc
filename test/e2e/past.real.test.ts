import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createAgent } from "../servers/letta-agents.ts";
import { askAgent } from "../servers/letta-turn.ts";
import { transportOfRun } from "../servers/transports.ts";
import { answerTo } from "./answers.ts";
import type { RoomEvent } from "./room-event.ts";
import { type Resident, startWorld, type World } from "./world.ts";

const transport = transportOfRun();

// A world of its own: its program loses its store.
describe(`an agent that has talked in Letta before it came to Matrix, by ${transport}`, { timeout: 180_000 }, () => {
  let world: World;
  let agent: Resident;
  const name = "Elder";
  const questions = Array.from({ length: 9 }, (_, n) => `Old question ${n + 1}`);

  beforeAll(async () => {
    world = await startWorld({ transport });
    const { letta, synapse } = world.stack;
    const model = letta.modelHandle;
    const { id: agentId } = await createAgent(letta.url, { name, model, persona: "I remember." });
    for (const question of questions) await askAgent(letta.url, agentId, question);
    await world.start();
    const userId = `@agent_${agentId.replace(/^agent-/, "").replaceAll("-", "_")}:${synapse.serverName}`;
    const roomId = await world.anna.until("an invitation", () => world.anna.invitedBy(userId));
    await world.anna.join(roomId);
    agent = { agentId, name, secretWord: "", userId, roomId };
  }, 300_000);
  afterAll(() => world?.close(), 60_000);

  const told = async (): Promise<RoomEvent[]> =>
    (await world.anna.history(agent.roomId)).filter(({ content }) => content["m.letta_historical"] === true);

  it("has its last words in its room when people come, oldest first, each with who said it", async () => {
    const history = await world.anna.history(agent.roomId);
    const past = await told();
    expect(past.map(({ content }) => String(content["body"]).split(":")[0])).toEqual([
      ...Array.from({ length: 7 }, () => [name, "User"]).flat(),
      name,
    ]);
    const asked = past.flatMap(({ content }) => /^User: (Old question \d)/.exec(String(content["body"]))?.[1] ?? []);
    expect(asked).toEqual(questions.slice(-7));
    for (const { content, sender } of past) {
      expect(sender).toBe(agent.userId);
      expect(content).toMatchObject({ msgtype: "m.notice", "m.mentions": {} });
    }
    const { serverName } = world.stack.synapse;
    const ofTheHouse = ["admin", "letta"].map((localpart) => `@${localpart}:${serverName}`);
    const invitation = history.findIndex(
      ({ content, stateKey = "" }) => content["membership"] === "invite" && !ofTheHouse.includes(stateKey),
    );
    const last = history.findIndex(({ eventId }) => eventId === past.at(-1)?.eventId);
    expect(last, "people are invited after that").toBeLessThan(invitation);
  });

  it("#4 answers nothing of that, and what is asked now once", async () => {
    const { questionId } = await world.ask(agent, "And now?");
    expect((await answerTo(world.anna, agent, questionId)).outcome).toBe("answer");
    const marked = (await world.anna.history(agent.roomId)).flatMap(({ content }) => {
      const turn = content["io.letta_matrix.turn"];
      return turn === undefined ? [] : [Reflect.get(Object(turn), "cause")];
    });
    expect(new Set(marked)).toEqual(new Set([questionId]));
  });

  it("#15 keeps its user and its room when the store is lost, and tells nothing twice", async () => {
    const before = await told();
    await world.app.stop();
    await rm(join(world.dir, "app", "data", "store"), { recursive: true });
    await rm(join(world.dir, "app", "data", "store.identity"));
    await world.app.start();
    await vi.waitFor(
      async () => {
        const [found] = (await world.app.status()).agents;
        expect(found).toMatchObject({ userId: agent.userId, roomId: agent.roomId, regions: { room: "ready" } });
      },
      { timeout: 60_000, interval: 200 },
    );
    expect((await told()).map(({ eventId }) => eventId)).toEqual(before.map(({ eventId }) => eventId));
    const requests = await world.stack.synapse.requests();
    const count = (end: string, user: string): number =>
      requests.filter(({ method, path, user: by }) => method === "POST" && path.endsWith(end) && by === user).length;
    expect(count("/createRoom", agent.userId)).toBe(1);
    expect(count("/upload", agent.userId), "its picture is there").toBe(1);
    const { questionId } = await world.ask(agent, "Do you know me?");
    expect((await answerTo(world.anna, agent, questionId)).outcome).toBe("answer");
  });
});
