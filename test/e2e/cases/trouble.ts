import { expect, it } from "vitest";
import { deleteAgent } from "../../servers/letta-agents.ts";
import { answerTo, draftOf, expectOneAnswerEach, saidBy } from "../answers.ts";
import { eventually } from "../eventually.ts";
import { idleTimeoutMs, type Resident, type World } from "../world.ts";
import { endsOf } from "./commands.ts";

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

  it.each([
    ["refuses its key", 401],
    ["is out of credit", 402],
    ["is down", 503],
  ])(
    "a model that %s is told in one plain error, and !retry is answered when it is well again",
    async (what, status) => {
      const { anna } = world();
      const agent = await world().agent(`Model that ${what}`);
      let well = false;
      const nonce = world().nonce();
      const message = `the stand-in ${what}`;
      world().plan(nonce, () => (well ? { text: "Well again." } : { error: { status, message } }));
      const questionId = await anna.say(agent.roomId, `Are you well? [[nonce=${nonce}]]`);
      const { outcome, text } = await answerTo(anna, agent, questionId, 90_000);
      expect(outcome).toBe("error");
      expectPlainError(text);
      expect(text).toContain(what);
      well = true;
      await anna.say(agent.roomId, "!retry");
      await anna.until("an answer", () => endsOf(anna, agent, questionId)[1]);
      expect(endsOf(anna, agent, questionId)).toEqual(["error", "answer"]);
      expect(saidBy(anna, agent).at(-1)?.body).toBe("Well again.");
    },
  );

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
    const [agent, neighbour] = await Promise.all([world().agent("Stuck"), world().neighbour()]);
    const stuck = await world().ask(agent, "Stall. [[words=20]] [[stall=8]]");
    await draftOf(anna, agent, stuck.questionId);
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

  it("#18 a room that its agent may not speak in hinders nobody else, and the agent answers again when it may", async () => {
    const { anna } = world();
    const [agent, neighbour] = await Promise.all([world().agent("Shut out"), world().neighbour()]);
    const before = await world().ask(agent, "Hello");
    await answerTo(anna, agent, before.questionId);
    const own = await world().as(agent.userId);
    const nonce = world().nonce();
    const left = Promise.withResolvers<void>();
    const tokens = async function* () {
      await left.promise;
      yield* ["No, ", "I ", "cannot."];
    };
    world().plan(nonce, () => ({ tokens: tokens() }));
    await anna.say(agent.roomId, `Can you still speak? [[nonce=${nonce}]]`);
    await eventually("Letta's asking the model", () => world().calls(nonce)[0]);
    await own.leave(agent.roomId);
    left.resolve();
    const beside = await world().ask(neighbour, "Can you?");
    expect((await answerTo(anna, neighbour, beside.questionId)).outcome).toBe("answer");
    await eventually("a message that the homeserver refuses", () => refusedSend(world(), agent));

    const room = encodeURIComponent(agent.roomId);
    await anna.request("POST", `/rooms/${room}/invite`, { user_id: agent.userId });
    await own.request("POST", `/join/${room}`, {});
    const after = await world().ask(agent, "And now?");
    expect((await answerTo(anna, agent, after.questionId)).outcome).toBe("answer");
    expect(
      saidBy(anna, agent)
        .filter(({ mark }) => mark?.final === true)
        .at(-1)?.mark?.cause,
    ).toBe(after.questionId);
  });
}

async function refusedSend({ stack }: World, { userId }: Resident) {
  const requests = await stack.synapse.requests();
  return requests.find(({ user, path, status }) => user === userId && path.includes("/send/") && status === 403);
}
