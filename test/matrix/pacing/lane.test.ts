import fc from "fast-check";
import { expect, test } from "vitest";
import { Lane } from "../../../src/matrix/pacing/lane.ts";
import type { Urgency } from "../../../src/matrix/port.ts";
import { settled } from "../../runtime/simulated-clock.ts";
import { type Work, work } from "./work.ts";

const never = new AbortController().signal;

function enter(lane: Lane, urgency: Urgency, signal = never): Work<void> {
  const one = work();
  lane.through(urgency, signal, one.run).catch(() => undefined);
  return one;
}

function begunOf(works: readonly Work<void>[]): number[] {
  return works.flatMap(({ begun }, index) => (begun ? [index] : []));
}

test("finals go before drafts, and drafts before housekeeping", async () => {
  const lane = new Lane({ most: 1, housekeeping: 1 });
  const first = enter(lane, "housekeeping");
  const waiting = (["housekeeping", "conversation", "answer"] as const).map((urgency) => enter(lane, urgency));
  await settled();
  expect(begunOf(waiting)).toEqual([]);
  await first.succeed();
  expect(begunOf(waiting)).toEqual([2]);
  await waiting[2]?.fail(new Error("it makes no difference how one ends"));
  expect(begunOf(waiting)).toEqual([1, 2]);
  await waiting[1]?.succeed();
  expect(begunOf(waiting)).toEqual([0, 1, 2]);
});

test("housekeeping leaves room for answers, however much of it there is", async () => {
  const lane = new Lane({ most: 4, housekeeping: 3 });
  const chores = Array.from({ length: 10 }, () => enter(lane, "housekeeping"));
  await settled();
  expect(begunOf(chores)).toEqual([0, 1, 2]);
  const answer = enter(lane, "answer");
  await settled();
  expect(answer.begun).toBe(true);
});

test("who gives up while it waits is never let in, and takes nobody's place", async () => {
  const lane = new Lane({ most: 1, housekeeping: 1 });
  const first = enter(lane, "answer");
  const impatient = new AbortController();
  const [left, next] = [enter(lane, "answer", impatient.signal), enter(lane, "answer")];
  await settled();
  impatient.abort(new Error("enough"));
  await first.succeed();
  expect(left.begun).toBe(false);
  expect(next.begun).toBe(true);
});

test("who is turned away gets the reason, and those who are in go on", async () => {
  const lane = new Lane({ most: 1, housekeeping: 1 });
  const inside = enter(lane, "answer");
  await settled();
  const outside = lane.through("answer", never, () => Promise.resolve());
  lane.turnAway(() => new Error("closed"));
  await expect(outside).rejects.toThrow("closed");
  await inside.succeed();
  await lane.through("answer", never, () => Promise.resolve());
});

test("whatever comes, never are more under way than may be, everybody has a turn, and nobody is passed over for ever", async () => {
  const urgency = fc.constantFrom<Urgency>("answer", "conversation", "housekeeping");
  const most = fc.integer({ min: 1, max: 5 });
  await fc.assert(
    fc.asyncProperty(fc.array(urgency, { minLength: 1, maxLength: 60 }), most, most, async (wanted, a, b) => {
      const limits = { most: Math.max(a, b), housekeeping: Math.min(a, b) };
      const lane = new Lane(limits);
      const order: Urgency[] = [];
      const running: { urgency: Urgency; end: () => void }[] = [];
      const all = wanted.map((one) =>
        lane.through(
          one,
          never,
          () =>
            new Promise<void>((end) => {
              order.push(one);
              running.push({ urgency: one, end });
            }),
        ),
      );
      while (order.length < wanted.length || running.length > 0) {
        await Promise.resolve();
        expect(running.length).toBeLessThanOrEqual(limits.most);
        expect(running.filter((one) => one.urgency === "housekeeping").length).toBeLessThanOrEqual(limits.housekeeping);
        running.shift()?.end();
      }
      await Promise.all(all);
    }),
  );
});

test("a flood of answers does not keep housekeeping from being done at all", async () => {
  const lane = new Lane({ most: 1, housekeeping: 1 });
  const order: Urgency[] = [];
  const note = (urgency: Urgency) => lane.through(urgency, never, async () => void order.push(urgency));
  const all = [...Array.from({ length: 40 }, () => note("answer")), note("housekeeping"), note("conversation")];
  await Promise.all(all);
  expect(order.indexOf("housekeeping")).toBeLessThan(20);
  expect(order.indexOf("conversation")).toBeLessThan(20);
  expect(order.slice(0, 5)).toEqual(Array(5).fill("answer"));
});
