import { expect, it } from "vitest";
import type { TransportKind } from "../../servers/transports.ts";
import { answerTo, draftsOf, expectOneAnswerEach, saidBy } from "../answers.ts";
import type { Exchange } from "../homeserver-proxy.ts";
import type { World } from "../world.ts";

/** How often what was delivered is delivered again. */
const times = 3;

/** Has what holds the text delivered again and again; `repeated` tells how often it was. */
interface Repetition {
  readonly repeated: () => number;
  stop(): void;
}

/** In the place of what the agent's next polls would bring. */
function repeatPolled({ proxy }: World, text: string): Repetition {
  let answer: { readonly token: string; readonly body: string } | undefined;
  let repeated = 0;
  const stop = proxy.interfere({
    after({ path, token }, body) {
      if (path.endsWith("/sync") && body.includes(text)) answer = { token, body };
      return undefined;
    },
    instead({ path, token }) {
      if (!path.endsWith("/sync") || token !== answer?.token || repeated >= times) return undefined;
      repeated++;
      return { status: 200, body: answer.body };
    },
  });
  return { repeated: () => repeated, stop };
}

/** Under a name of its own each time, as a homeserver does that has forgotten which ones it had given. */
function repeatPushed({ pushes }: World, text: string): Repetition {
  let repeated = 0;
  const repeat = async ({ method, path, token: authorization, body }: Exchange): Promise<void> => {
    for (let n = 1; n <= times; n++) {
      const headers = { authorization, "content-type": "application/json" };
      const { ok } = await fetch(`${pushes?.url}${path}-again-${n}`, { method, headers, body });
      if (ok) repeated++;
    }
  };
  const stop = pushes?.interfere({
    after(exchange) {
      if (exchange.body.includes(text) && !exchange.path.includes("-again-")) void repeat(exchange);
      return undefined;
    },
  });
  return { repeated: () => repeated, stop: () => stop?.() };
}

export function repeats(world: () => World, transport: TransportKind): void {
  it("#1 a message that the homeserver delivers again and again is answered once", async () => {
    const { anna } = world();
    const agent = await world().agent("Repeated to");
    const nonce = world().nonce();
    // The homeserver delivers it before it says that it took it: so it is known by its text.
    const text = `Once [[nonce=${nonce}]]`;
    const repetition = transport === "appservice" ? repeatPushed(world(), text) : repeatPolled(world(), text);
    const question = await anna.say(agent.roomId, text);
    await answerTo(anna, agent, question);
    const after = await world().ask(agent, "And this?");
    await answerTo(anna, agent, after.questionId);
    repetition.stop();
    expect(repetition.repeated()).toBe(times);
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
