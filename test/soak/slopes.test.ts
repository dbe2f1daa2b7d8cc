import { describe, expect, test } from "vitest";
import { bounds, judgeSlopes, type Sample, slopeOf } from "./slopes.ts";

const minute = 60_000;

/** A process of 24 minutes, then eight of three, read every five seconds; `more` is added to what a steady one holds. */
function run(more: (sample: Sample) => Partial<Sample>): readonly Sample[] {
  return Array.from({ length: 576 }, (_, index) => {
    const at = index * 5_000;
    const later = Math.floor((at - 24 * minute) / (3 * minute));
    const life = at < 24 * minute ? 1 : 2 + later;
    const age = life === 1 ? at : at - 24 * minute - later * 3 * minute;
    // It shakes, and a young process has less.
    const young = age < minute ? 8 - age / 7_500 : 0;
    const heap = 30 + (index % 3) * 0.4 - young;
    const steady = { at, life, age, messages: index * 20, heap, rss: 120 + (index % 5), fds: 110 + (index % 7) };
    const sample = { ...steady, timers: 200 + (index % 11), store: 2 + index * 0.01 };
    return { ...sample, ...more(sample) };
  });
}

function verdicts(samples: readonly Sample[]): Record<string, string> {
  return Object.fromEntries(judgeSlopes(samples).map(({ bound, verdict }) => [bound.name, verdict]));
}

const steady = Object.fromEntries(bounds.map(({ name }) => [name, "does not grow"]));

describe("a slope", () => {
  test("is that of all groups together, whatever the height of each", () => {
    const line = (height: number) => [0, 1, 2, 3].map((x) => ({ x, y: height + 2 * x }));
    expect(slopeOf([line(0), line(100)])).toEqual({ perUnit: 2, doubt: 0 });
  });

  test("of too few points tells nothing", () => {
    expect(slopeOf([[{ x: 0, y: 0 }]]).doubt).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("of a run", () => {
  test("that holds on to no more and no less, no slope grows", () => {
    expect(verdicts(run(() => ({})))).toEqual(steady);
  });

  test.each([
    ["heap in a life", ({ age, heap }: Sample) => ({ heap: heap + age / minute })],
    ["RSS in a life", ({ age, rss }: Sample) => ({ rss: rss + (4 * age) / minute })],
    ["file handles in a life", ({ age, fds }: Sample) => ({ fds: fds + (8 * age) / minute })],
    ["timers in a life", ({ age, timers }: Sample) => ({ timers: timers + (8 * age) / minute })],
    ["heap over lives", ({ life, heap }: Sample) => ({ heap: heap + 10 * life })],
    ["RSS over lives", ({ life, rss }: Sample) => ({ rss: rss + 40 * life })],
    ["store on disk", ({ messages, store }: Sample) => ({ store: store + messages / 100 })],
  ])("in which it grows, %s is found", (name, leak) => {
    expect(verdicts(run(leak))).toEqual({ ...steady, [name]: "GROWS" });
  });

  test("that lets go of what it held, nothing grows, however unsteady that is", () => {
    const falling = run(({ life, heap }) => ({ heap: heap - 10 * life - 12 * (life % 2) }));
    const [heap] = judgeSlopes(falling).filter(({ bound }) => bound.name === "heap over lives");
    expect(heap?.doubt).toBeGreaterThan(heap?.bound.most ?? Number.POSITIVE_INFINITY);
    expect(heap?.verdict).toBe("does not grow");
  });

  test("that was too short, nothing is believed", () => {
    expect(new Set(Object.values(verdicts(run(() => ({})).slice(0, 20))))).toEqual(new Set(["too short to tell"]));
  });
});
