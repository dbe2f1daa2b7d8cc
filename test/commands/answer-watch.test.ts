import { beforeEach, describe, expect, test } from "vitest";
import { GrowingAnswers } from "../../src/actors/conversation/growing.ts";
import { AnswerWatch } from "../../src/commands/agents/answer-watch.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import type { Host } from "../../src/runtime/host.ts";
import type { ActorRecord } from "../../src/runtime/record.ts";
import { recordOf } from "../actors/agent-record.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";

const id = addressOf.conversation("test", "agent-1", "!room:test");
const line = { at: 0, revision: 1, event: "any", to: "any", effects: [], handled: true };
const place = { agentId: "agent-1", roomId: "!room:test", eventId: "$asked" };
const never = new AbortController().signal;

let clock: SimulatedClock;
let growing: GrowingAnswers;
let watch: AnswerWatch;
let now: ActorRecord | undefined;
let listeners: Set<Parameters<Host["subscribe"]>[0]>;

beforeEach(() => {
  clock = new SimulatedClock();
  growing = new GrowingAnswers(clock);
  listeners = new Set();
  now = undefined;
  const host: ConstructorParameters<typeof AnswerWatch>[0] = {
    read: () => now,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  watch = new AnswerWatch(host, "test", clock, growing);
});

function becomes(current: object | undefined): void {
  now = recordOf({ id, machine: "conversation", context: current === undefined ? {} : { current } });
  for (const listener of listeners) listener({ record: now, line });
}

const question = { eventId: "$asked" };
const answer = { outcome: "answer", text: "Four." };

describe("whoever waits for an agent's answer", () => {
  test("is told it as soon as it is written down", async () => {
    const waited = watch.wait(place, 60_000, never);
    becomes({ question: { eventId: "$another" }, answer: { outcome: "answer", text: "Three." } });
    becomes({ question });
    becomes({ question, answer });
    expect(await waited).toEqual(answer);
    expect(listeners.size).toBe(0);
  });

  test("hears how it grows, now and then, until it is there or nobody waits any more", async () => {
    const drafts: string[] = [];
    const asked = { agentId: "agent-1", eventId: "$asked" };
    growing.publish(asked, () => "too early");
    const waited = watch.wait(place, 60_000, never, (text) => drafts.push(text));
    for (const text of ["", "F", "Fo", "Fou"]) {
      growing.publish(asked, () => text);
      growing.publish({ ...asked, eventId: "$other" }, () => "of another");
      await clock.pass(100);
    }
    await clock.pass(200);
    expect(drafts).toEqual(["F", "Fou"]);
    growing.publish(asked, () => "Four");
    becomes({ question, answer });
    expect(await waited).toEqual(answer);
    await clock.pass(1_000);
    growing.publish(asked, () => "too late");
    await clock.pass(1_000);
    expect(drafts).toEqual(["F", "Fou"]);
  });

  test("leaves nothing behind when it goes away, and fails nothing: what it waits for was asked all the same", async () => {
    const gone = new AbortController();
    const waited = watch.wait(place, 60_000, gone.signal, () => undefined);
    gone.abort(new Error("the caller is gone"));
    expect(await waited).toBeUndefined();
    expect(listeners.size).toBe(0);
  });

  test("is told what was written down before", async () => {
    becomes({ question, answer });
    expect(await watch.wait(place, 60_000, never)).toEqual(answer);
  });

  test.each([
    ["to nothing", undefined],
    ["to the next question", { question: { eventId: "$next" } }],
  ])("waits no longer for one that went over without a word %s", async (_, next) => {
    const waited = watch.wait(place, 60_000, never);
    becomes({ question });
    becomes(next);
    expect(await waited).toBeUndefined();
  });

  test("waits while others are answered first, but not for ever", async () => {
    const waited = watch.wait(place, 60_000, never);
    becomes({ question: { eventId: "$another" } });
    becomes(undefined);
    await clock.pass(60_000);
    expect(await waited).toBeUndefined();
    expect(listeners.size).toBe(0);
  });
});
