import { expect, it } from "vitest";
import { answerTo, draftsOf, expectOneAnswerEach, saidBy } from "../answers.ts";
import type { World } from "../world.ts";

export function repeats(world: () => World): void {
  it("#1 a message that the homeserver delivers again and again is answered once", async () => {
    const { anna, proxy } = world();
    const agent = await world().agent("Repeated to");
    let answer: { readonly token: string; readonly body: string } | undefined;
    let repeated = 0;
    let questionId = "not sent yet";
    const stop = proxy.interfere({
      after({ path, token }, body) {
        if (path.endsWith("/sync") && body.includes(questionId)) answer = { token, body };
        return undefined;
      },
      instead({ path, token }) {
        if (!path.endsWith("/sync") || token !== answer?.token || repeated >= 3) return undefined;
        repeated++;
        return { status: 200, body: answer.body };
      },
    });
    const nonce = world().nonce();
    // The homeserver delivers it before it says that it took it: so the proxy looks for its text.
    questionId = `Once [[nonce=${nonce}]]`;
    const question = await anna.say(agent.roomId, questionId);
    await answerTo(anna, agent, question);
    const after = await world().ask(agent, "And this?");
    await answerTo(anna, agent, after.questionId);
    stop();
    expect(repeated).toBe(3);
    expect(world().calls(nonce)).toHaveLength(1);
    expectOneAnswerEach(anna, agent, [question, after.questionId]);
    expect(saidBy(anna, agent)).toHaveLength(2);
  });

  it("#8 an answer stands there once, although the connection broke when it had been sent", async () => {
    const { anna, proxy } = world();
    const agent = await world().agent("Cut off");
    const lost: string[] = [];
    const stop = proxy.interfere({
      after({ method, path, body }) {
        // The first draft, one edit of it, and the final: each the first time it is sent.
        if (method !== "PUT" || !path.includes(`${agent.roomId}/send/`) || lost.includes(path)) return undefined;
        if (lost.length > 1 && !body.includes('"final":true')) return undefined;
        lost.push(path);
        return "lose";
      },
    });
    const { questionId, nonce, end } = await world().askForLong(agent, "Be heard.");
    await draftsOf(anna, agent, questionId, 2);
    end();
    await answerTo(anna, agent, questionId);
    const after = await world().ask(agent, "And this?");
    await answerTo(anna, agent, after.questionId);
    stop();
    expect(lost.length).toBeGreaterThanOrEqual(3);
    expect(world().calls(nonce)).toHaveLength(1);
    expectOneAnswerEach(anna, agent, [questionId, after.questionId]);
    const events = anna.events(agent.roomId).filter(({ sender }) => sender === agent.userId);
    const finals = events.filter(({ content }) => JSON.stringify(content).includes('"final":true'));
    expect(finals).toHaveLength(2);
    expect(saidBy(anna, agent)).toHaveLength(2);
  });
}
