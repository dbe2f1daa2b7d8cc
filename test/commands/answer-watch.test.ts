import { beforeEach, describe, expect, test } from "vitest";
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
let watch: AnswerWatch;
let now: ActorRecord | undefined;
let listeners: Set<Parameters<Host["subscribe"]>[0]>;

beforeEach(() => {
  clock = new SimulatedClock();
  listeners = new Set();
  now = undefined;
  const host: ConstructorParameters<typeof AnswerWatch>[0] = {
    read: () => now,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  watch = new AnswerWatch(host, "test", clock);
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
