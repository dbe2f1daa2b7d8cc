import fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { ConversationContext, Turn, TurnInput } from "../../src/machines/conversation/context.ts";
import type { Step } from "../../src/runtime/step.ts";
import { type ChartDriver, failure } from "./chart-driver.ts";
import { approval, command, drive, question } from "./charts-under-test.ts";

// Much is tried here: on a busy machine it takes its time.
vi.setConfig({ testTimeout: 60_000 });

/**
 * Whatever comes in whatever order, each step taken on the record as JSON gives it back: every question that was taken
 * gets one end, in the order of the questions, and what must not be repeated is not.
 */

type Conversation = ChartDriver<ConversationContext>;

/** What can happen to each effect, besides nothing. */
const outcomes: Readonly<Record<string, readonly ((conversation: Conversation) => void)[]>> = {
  openConversation: [
    (one) => void one.done("openConversation", { conversationId: "letta-1" }),
    ...["unreachable", "busy", "refused", ""].map(failing("openConversation")),
  ],
  ask: [
    (one) => void one.send({ type: "DRAFTING" }),
    (one) => {
      if (one.context.current?.drafting === true) one.send({ type: "DRAFTED", eventId: draftIn(one) });
    },
    (one) => void one.send({ type: "TOOL_APPROVED", tool: "archive" }),
    (one) => void one.send({ type: "APPROVAL_WANTED", approval: approval(1) }),
    (one) => void one.send({ type: "APPROVAL_SHOWN", eventId: "$request" }),
    (one) => void one.done("ask", { text: "an answer" }),
    (one) => void one.done("ask", { text: "" }),
    (one) => void one.done("ask", { text: "<no-reply/>" }),
    (one) => {
      if (one.context.current?.stopping === true) one.done("ask", { text: "half", stopped: true });
    },
    ...["lost", "lost", "gone", "held", "unreachable", "busy", "token", "silent", "failed", ""].map(failing("ask")),
  ],
  showWait: [
    (one) => void one.send({ type: "DRAFTING" }),
    (one) => {
      one.send({ type: "DRAFTING" });
      one.done("showWait", { eventId: draftIn(one) });
    },
    ...["limited", "forbidden"].map(failing("showWait")),
  ],
  reply: [
    (one) => void one.done("reply"),
    ...["unreachable", "limited", "token", "malformed", "too-large", "forbidden"].map(failing("reply")),
  ],
  withdrawDraft: [(one) => void one.done("withdrawDraft"), ...["unreachable", "missing"].map(failing("withdrawDraft"))],
};

/** The first draft has the same name in every attempt, and so the same event id. */
function draftIn({ context: { current } }: Conversation): string {
  return `$draft-of-${current?.question.eventId}`;
}

function failing(child: string) {
  return (kind: string) => (one: Conversation) => void one.fail(child, failure(kind, 5_000));
}

interface Move {
  readonly what:
    | "message"
    | "unreadable"
    | "edit"
    | "effect"
    | "timer"
    | "dead letter"
    | "cut"
    | "stop"
    | "retry"
    | "decision";
  readonly pick: number;
  readonly outcome: number;
}

const any = fc.noBias(fc.nat({ max: 9_999 }));

const move: fc.Arbitrary<Move> = fc.record({
  what: fc.oneof(
    { weight: 3, arbitrary: fc.constant("message" as const) },
    { weight: 10, arbitrary: fc.constant("effect" as const) },
    { weight: 5, arbitrary: fc.constant("timer" as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "unreadable" as const,
        "edit" as const,
        "dead letter" as const,
        "cut" as const,
        "stop" as const,
        "retry" as const,
        "decision" as const,
      ),
    },
  ),
  pick: any,
  outcome: any,
});

/** Whether it is still the same question, and the same time that it is asked. */
function isSame(before: Turn | undefined, now: Turn | undefined): boolean {
  return before?.question.eventId === now?.question.eventId && before?.question.retry === now?.question.retry;
}

/** Watches every step, and knows what has become of each question. */
class Witness {
  readonly taken: string[] = [];
  readonly ended: { readonly id: string; readonly by: string; readonly drafting: boolean }[] = [];
  readonly asked: { readonly id: string; readonly attempt: number }[] = [];
  #before: ConversationContext | undefined;
  #after: ConversationContext | undefined;

  readonly watch = ({ record, effects, event }: Step): void => {
    const now = record.context as unknown as ConversationContext;
    this.#before = this.#after;
    this.#after = now;
    const before = this.#before?.current;
    if (before !== undefined && !isSame(before, now.current))
      this.ended.push({ id: before.question.eventId, by: event, drafting: before.drafting });
    if (isSame(before, now.current)) this.#assertKept(before, now.current, event);
    for (const effect of effects) {
      if (effect.kind !== "child" || effect.name !== "ask") continue;
      const { turn } = effect.input as TurnInput;
      this.asked.push({ id: turn.question.eventId, attempt: turn.attempt });
    }
    const value = JSON.stringify(record.value);
    if (/backingOff|Later/.test(value)) expect(now.wait, value).toBeDefined();
    if (value === '"idle"') {
      expect(now.wait).toBeUndefined();
      expect(now.current).toBeUndefined();
      expect(now.queue).toEqual([]);
    }
    const working = Object.entries(record.children).filter(([, child]) => child.finished === undefined);
    expect(working.length, "one thing at a time").toBeLessThanOrEqual(1);
  };

  /** What a restart must not forget about the question at hand, and what never goes back. */
  #assertKept(before: Turn | undefined, now: Turn | undefined, event: string): void {
    if (before === undefined || now === undefined) return;
    if (before.drafting) expect(now.drafting).toBe(true);
    if (before.toolApproved) expect(now.toolApproved).toBe(true);
    if (before.stopping === true) expect(now).toMatchObject({ stopping: true, attempt: before.attempt });
    if (before.draft !== undefined) expect(now.draft).toBe(before.draft);
    if (now.attempt === before.attempt) return;
    expect(now.attempt).toBe(before.attempt + 1);
    expect(event).toBe("xstate.error.actor.ask");
    expect(before.toolApproved).toBe(false);
  }
}

function apply(conversation: Conversation, witness: Witness, { what, pick, outcome }: Move): void {
  const n = witness.taken.length + 1;
  switch (what) {
    case "message":
    case "unreadable":
      witness.taken.push(`$question-${n}`);
      conversation.send({
        type: "MESSAGE",
        question: question(n, what === "unreadable" ? { text: "", unreadable: "no images" } : {}),
      });
      return;
    case "dead letter":
      witness.taken.push(`$question-${n}`);
      conversation.send({ type: "deadLetter", letter: { type: "MESSAGE", question: question(n) } });
      return;
    case "edit":
      conversation.send({ type: "EDITED", edits: `$question-${pick % n}`, sender: "@anna:test", text: "new" });
      return;
    case "stop":
      conversation.send(command("stop"));
      return;
    case "retry": {
      // One more end is owed to the question that failed.
      const { failed, queue } = conversation.context;
      if (failed !== undefined && queue.length < 500) witness.taken.push(failed.eventId);
      conversation.send(command("retry", { eventId: `$retry-${witness.taken.length}` }));
      return;
    }
    case "decision":
      conversation.send(command(pick % 2 === 0 ? "approve" : "deny", pick % 3 === 0 ? {} : { reactionTo: "$request" }));
      return;
    case "cut":
      conversation.send({ type: "CUT", gap: `s${pick}` });
      return;
    case "effect": {
      const children = [...conversation.running.keys()];
      const child = children[pick % children.length];
      const possible = child === undefined ? [] : (outcomes[child] ?? []);
      possible[outcome % possible.length]?.(conversation);
      return;
    }
    case "timer": {
      const timers = [...conversation.timers.keys()];
      const timer = timers[pick % timers.length];
      if (timer !== undefined) conversation.fire(timer);
    }
  }
}

/** Everything goes well from here. */
function finish(conversation: Conversation): void {
  const outputs: Readonly<Record<string, () => unknown>> = {
    openConversation: () => ({ conversationId: "letta-1" }),
    ask: () => ({ text: "an answer" }),
    showWait: () => ({ eventId: draftIn(conversation) }),
  };
  for (let steps = 0; conversation.value !== "idle"; steps++) {
    expect(steps, `stuck in ${JSON.stringify(conversation.value)}`).toBeLessThan(1_000);
    const [child] = conversation.running.keys();
    const [timer] = conversation.timers.keys();
    if (child !== undefined) conversation.done(child, outputs[child]?.());
    else if (timer !== undefined) conversation.fire(timer);
    else expect.fail(`nothing leads on from ${JSON.stringify(conversation.value)}`);
  }
}

/** What may be the last of a question: an answer, silence, or a homeserver that takes neither. */
const ends = ["reply", "reply over a draft", "withdrawDraft over a draft"]
  .flatMap((how) => [`xstate.done.actor.${how}`, `xstate.error.actor.${how}`])
  .concat("xstate.done.actor.ask");

test("every question that was taken ends once, in order, and nothing is asked that must not be", () => {
  fc.assert(
    fc.property(fc.array(move, { minLength: 1, maxLength: 80 }), (moves) => {
      const witness = new Witness();
      const conversation = drive.conversation(witness.watch);
      for (const one of moves) apply(conversation, witness, one);
      finish(conversation);
      expect(witness.ended.map(({ id }) => id)).toEqual(witness.taken);
      for (const { by, drafting } of witness.ended) expect(ends).toContain(by + (drafting ? " over a draft" : ""));
    }),
    { numRuns: 400 },
  );
});
