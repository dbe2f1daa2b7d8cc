import { initialTransition, transition } from "xstate";
import { addressOf } from "../../src/machines/addresses.ts";
import { conversationMachine } from "../../src/machines/conversation/index.ts";
import type { Question } from "../../src/machines/question.ts";
import { type Behaviour, defineBehaviour } from "../../src/runtime/behaviour.ts";
import { type ActorRecord, parseRecord } from "../../src/runtime/record.ts";
import { type Stimulus, step } from "../../src/runtime/step.ts";
import type { Figure } from "./figures.ts";

/** The real conversation chart with effects that do nothing: what a bench measures is the runtime's own part. */
export function idleConversation(): Behaviour {
  const nothing = async () => undefined;
  return defineBehaviour({
    machine: conversationMachine,
    input: () => ({ agentId: "agent-1", userId: "@agent_1:bench", roomId: "!room:bench" }),
    children: {
      openConversation: async () => ({ conversationId: "default" }),
      ask: async () => ({ text: "An answer of some length, as agents give it. ".repeat(10) }),
      reply: nothing,
      lookWhetherPaused: async () => ({ paused: false }),
      findAnswered: async () => ({ answered: [] }),
      withdrawDraft: nothing,
      showWait: async () => ({ eventId: "$draft" }),
    },
    actions: { refuse: nothing, remark: nothing, sayCut: nothing },
    backoffDelays: ["retry"],
  });
}

export function questionNumber(n: number): Question {
  return {
    eventId: `$question-${n}:bench`,
    sender: "@anna:bench",
    sentAt: 1_700_000_000_000 + n,
    text: `Question ${n}: what did we say about the plan for the garden, and who wanted to look after it?`,
    mentioned: false,
  };
}

const id = addressOf.conversation("bench", "agent-1", "!room:bench");

/** The events of one whole turn, with drafts, as the host would bring them to this record. */
function* turnStimuli(n: number, record: () => ActorRecord | undefined): Generator<Stimulus> {
  yield { kind: "event", event: { type: "MESSAGE", question: questionNumber(n) } };
  if (n === 0) yield done(record(), "openConversation", { conversationId: "default" });
  yield { kind: "event", event: { type: "DRAFTING" } };
  yield { kind: "event", event: { type: "DRAFTED", eventId: "$draft" } };
  yield done(record(), "ask", { text: "An answer of some length, as agents give it. ".repeat(10) });
  yield done(record(), "reply", undefined);
}

function done(record: ActorRecord | undefined, child: string, output: unknown): Stimulus {
  return { kind: "done", child, generation: record?.children[child]?.generation ?? 0, output };
}

/**
 * Steps a second of the conversation chart, each from its stored text to its stored text and with five questions
 * waiting, beside XState's own pure `transition`, which restores and stores nothing.
 */
export function conversationSteps(turns: number): Figure {
  const behaviour = idleConversation();
  let record: ActorRecord | undefined;
  let steps = 0;
  const take = (stimulus: Stimulus): void => {
    const before = record === undefined ? undefined : parseRecord(JSON.stringify(record));
    record = step({ behaviour, id, record: before, stimulus, at: steps, jitterSeed: "bench" })?.record ?? record;
    steps++;
  };
  take({ kind: "start" });
  for (let n = -5; n < 0; n++) take({ kind: "event", event: { type: "MESSAGE", question: questionNumber(n) } });
  for (let n = 0; n < 50; n++) for (const stimulus of turnStimuli(n, () => record)) take(stimulus);
  steps = 0;
  const begun = process.cpuUsage();
  for (let n = 50; n < 50 + turns; n++) for (const stimulus of turnStimuli(n, () => record)) take(stimulus);
  const own = steps / seconds(begun);
  return {
    name: "steps of the conversation chart, record to record",
    unit: "steps per CPU second",
    value: own,
    baseline: { name: "XState transition() without a record", value: plainTransitions(steps) },
    moreIsBetter: true,
  };
}

function plainTransitions(count: number): number {
  const input = { agentId: "agent-1", userId: "@agent_1:bench", roomId: "!room:bench" };
  let [snapshot] = initialTransition(conversationMachine, input);
  const begun = process.cpuUsage();
  for (let n = 0; n < count; n++) {
    const event = { type: "EDITED", edits: `$question-${n}`, sender: "@anna:bench", text: "other words" } as const;
    [snapshot] = transition(conversationMachine, snapshot, event);
  }
  return count / seconds(begun);
}

function seconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}
