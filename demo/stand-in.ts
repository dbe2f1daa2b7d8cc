import { type Behaviour, directed } from "../test/servers/model-plan.ts";
import type { ModelRequest } from "../test/servers/model-request.ts";

/** About as fast as a large model writes, so that the answer is seen to grow. */
const pace = { delayMs: 600, tokensPerSecond: 14 };

/** The stand-in model as the demo shows it: says what it is, what it was asked, and what the agent's memory holds. */
export const demoStandIn: Behaviour = (request) => {
  if (request.directives.size > 0) return directed(request);
  return { ...pace, text: [introduction, repetition(request), memory(request), invitation].join(" ") };
};

const introduction = "(stand-in, no real model) I only tell you what has reached me, a word at a time.";
const invitation = "With ANTHROPIC_API_KEY or OPENAI_API_KEY set, a real model answers in my place.";

function repetition({ question }: ModelRequest): string {
  const asked = withoutEnvelope(question).replaceAll(/\s+/g, " ").trim();
  return asked === "" ? "You asked nothing." : `You asked: ${asked.length > 200 ? `${asked.slice(0, 199)}…` : asked}`;
}

function memory({ secretWord }: ModelRequest): string {
  return secretWord === undefined
    ? "This agent's memory came with it."
    : `With it came this agent's own memory, kept by Letta; the secret word in it is ${secretWord}.`;
}

/** The agent is told who writes and where; a person is not interested in that. */
function withoutEnvelope(question: string): string {
  return question.replace(/^\[Matrix message\]\n(?:[^\n]+\n)*\n/, "");
}
