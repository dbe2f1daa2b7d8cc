import { expect, it } from "vitest";
import { deleteAgent } from "../../servers/letta-agents.ts";
import { answerTo, expectOneAnswerEach, saidBy } from "../answers.ts";
import { idleTimeoutMs, type Resident, type World } from "../world.ts";

/** One plain error: a sentence about what happened, and one about what to do. Nothing of a program's insides. */
function expectPlainError(text: string): void {
  expect(text).toMatch(/[.!]$/);
  expect(text.split(/[.!] /).length).toBeGreaterThanOrEqual(2);
  expect(text).not.toMatch(/undefined|\[object|\bat .*\.ts:|Error:|ECONN|stack/);
}

export function trouble(world: () => World): void {
  it("a model that fails is told in one plain error, and the next message works", async () => {
    const { anna } = world();
    const agent = await world().agent("Failing model");
    const failing = await world().ask(agent, "Fail. [[error=400]]");
    const { outcome, text, finals } = await answerTo(anna, agent, failing.questionId);
    expect(outcome).toBe("error");
    expectPlainError(text);
    expect(finals).toMatchObject([{ content: { msgtype: "m.text", "m.mentions": { user_ids: [anna.userId] } } }]);
    const next = await world().ask(agent, "Better?");
    expect((await answerTo(anna, agent, next.questionId)).outcome).toBe("answer");
    expectOneAnswerEach(anna, agent, [failing.questionId, next.questionId]);
  });

  it("a model that breaks off in the middle leaves one answer or one plain error, and the next message works", async () => {
    const { anna } = world();
    const agent = await world().agent("Breaking model");
    const broken = await world().ask(agent, "Break. [[words=40]] [[tps=20]] [[cut=20]] [[times=1]]");
    const { outcome, text } = await answerTo(anna, agent, broken.questionId, 90_000);
    if (outcome === "error") expectPlainError(text);
    else expect(text).toContain(`nonce=${broken.nonce}`);
    const next = await world().ask(agent, "Better?");
    expect((await answerTo(anna, agent, next.questionId)).outcome).toBe("answer");
    expectOneAnswerEach(anna, agent, [broken.questionId, next.questionId]);
  });

  it("#19 a model that falls silent is reported, hinders nobody else, and the next message works", async () => {
    const { anna } = world();
    const [agent, neighbour] = await Promise.all([world().agent("Stuck"), world().agent("Beside the stuck one")]);
    const stuck = await world().ask(agent, "Stall. [[words=20]] [[stall=8]]");
    await anna.until("a draft", () => saidBy(anna, agent).find(({ mark }) => mark?.cause === stuck.questionId));
    const next = await world().ask(agent, "Still there?");
    const beside = await world().ask(neighbour, "And you?");
    await answerTo(anna, neighbour, beside.questionId);
    expect(saidBy(anna, agent)).toMatchObject([{ mark: { final: false } }]);
    const { outcome, text } = await answerTo(anna, agent, stuck.questionId, idleTimeoutMs + 40_000);
    expect(outcome).toBe("error");
    expectPlainError(text);
    expect((await answerTo(anna, agent, next.questionId)).outcome).toBe("answer");
    expectOneAnswerEach(anna, agent, [stuck.questionId, next.questionId]);
  });

  it("an agent that was deleted in Letta says so once for each message", async () => {
    const { anna, stack } = world();
    const agent = await world().agent("Deleted");
    const before = await world().ask(agent, "Are you there?");
    await answerTo(anna, agent, before.questionId);
    await deleteAgent(stack.letta.url, agent.agentId);
    const { questionId } = await world().ask(agent, "And now?");
    const { outcome, text } = await answerTo(anna, agent, questionId);
    expect(outcome).toBe("error");
    expectPlainError(text);
    expectOneAnswerEach(anna, agent, [before.questionId, questionId]);
  });

  it("#18 a room that forbids its agent to speak hinders nobody else, and the agent speaks again when it may", async () => {
    const { anna } = world();
    const [agent, neighbour] = await Promise.all([world().agent("Silenced"), world().agent("Beside the silenced one")]);
    const before = await world().ask(agent, "Hello");
    await answerTo(anna, agent, before.questionId);
    await setPower(world(), agent, { [anna.userId]: 100, [agent.userId]: 0 });
    const unanswerable = await world().ask(agent, "Can you speak?");
    const beside = await world().ask(neighbour, "Can you?");
    expect((await answerTo(anna, neighbour, beside.questionId)).outcome).toBe("answer");
    await expect.poll(() => world().calls(unanswerable.nonce), { timeout: 30_000 }).toHaveLength(1);
    await expect.poll(() => refusedSends(world(), agent), { timeout: 30_000 }).toBeGreaterThan(0);
    await anna.request("PUT", powerPath(agent), { events_default: 0, users: { [anna.userId]: 100 } });
    const after = await world().ask(agent, "And now?");
    expect((await answerTo(anna, agent, after.questionId)).outcome).toBe("answer");
    expectOneAnswerEach(anna, agent, [before.questionId, after.questionId]);
  });

  it("#18 an agent that was banned from its room hinders nobody else", async () => {
    const { anna } = world();
    const [agent, neighbour] = await Promise.all([world().agent("Banned"), world().agent("Beside the banned one")]);
    await setPower(world(), agent, { [anna.userId]: 100, [agent.userId]: 0 });
    const during = await world().ask(agent, "Quick, before it happens. [[words=60]] [[tps=20]]");
    await expect.poll(() => world().calls(during.nonce), { timeout: 30_000 }).toHaveLength(1);
    const ban = `/rooms/${encodeURIComponent(agent.roomId)}/ban`;
    await anna.request("POST", ban, { user_id: agent.userId });
    const beside = await world().ask(neighbour, "And you?");
    expect((await answerTo(anna, neighbour, beside.questionId)).outcome).toBe("answer");
    expect(saidBy(anna, agent).filter(({ mark }) => mark?.final === true)).toEqual([]);
  });
}

const powerPath = ({ roomId }: Resident): string => `/rooms/${encodeURIComponent(roomId)}/state/m.room.power_levels/`;

/** As the agent's own user, who has made the room: nobody else may. Who is not named then cannot say anything. */
async function setPower(world: World, agent: Resident, users: Readonly<Record<string, number>>): Promise<void> {
  const own = await world.as(agent.userId);
  await own.request("PUT", powerPath(agent), { events_default: 50, users });
}

async function refusedSends({ stack }: World, { userId }: Resident): Promise<number> {
  const requests = await stack.synapse.requests();
  return requests.filter(({ user, path, status }) => user === userId && path.includes("/send/") && status === 403)
    .length;
}
