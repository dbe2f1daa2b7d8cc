import type { Reading } from "./gauge.ts";

/** What was read at a moment of a run. */
export interface Sample extends Reading {
  /** Since the run began, ms. */
  readonly at: number;
  /** The how-manieth process of the program. */
  readonly life: number;
  /** Of that process, ms. */
  readonly age: number;
  /** That people had sent by then. */
  readonly messages: number;
  /** MB on disk. */
  readonly store: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Slope {
  readonly perUnit: number;
  /** Two standard errors. */
  readonly doubt: number;
}

/** A line by least squares with one slope for all groups, each of which may lie at a height of its own. */
export function slopeOf(groups: readonly (readonly Point[])[]): Slope {
  const centred = groups.flatMap((points) => {
    const [x, y] = [mean(points.map((point) => point.x)), mean(points.map((point) => point.y))];
    return points.map((point) => ({ x: point.x - x, y: point.y - y }));
  });
  const spread = sum(centred.map(({ x }) => x * x));
  const perUnit = sum(centred.map(({ x, y }) => x * y)) / spread;
  const rest = sum(centred.map(({ x, y }) => (y - perUnit * x) ** 2));
  const freedom = centred.length - groups.length - 1;
  return { perUnit, doubt: freedom > 0 ? 2 * Math.sqrt(rest / freedom / spread) : Number.POSITIVE_INFINITY };
}

/** What a slope may be at most. */
export interface Bound {
  readonly name: string;
  readonly unit: string;
  readonly most: number;
  readonly groups: (samples: readonly Sample[]) => readonly (readonly Point[])[];
}

export interface Verdict extends Slope {
  readonly bound: Bound;
  readonly verdict: "does not grow" | "GROWS" | "too short to tell";
}

/** A process that is younger tells nothing, ms. */
const begun = 90_000;

/** One that is younger has not yet reached its height, ms. */
const warmUp = 300_000;

const aWhile = 60_000;

/** Points of all lives, those of one life in a group: what grows while a process lives. */
function withinLives(value: keyof Reading): Bound["groups"] {
  return (samples) => {
    const warm = samples.filter(({ age }) => age >= warmUp);
    const lives = [...Map.groupBy(warm, ({ life }) => life).values()].filter(({ length }) => length > 2);
    return lives.map((own) => own.map((sample) => ({ x: hours(sample.at), y: sample[value] })));
  };
}

/** The same, of the highest value of each while: a server that is away empties what is open for a time, a leak stays. */
function highestWithinLives(value: keyof Reading): Bound["groups"] {
  return (samples) => {
    const whiles = Map.groupBy(samples, ({ life, at }) => `${life} ${Math.floor(at / aWhile)}`);
    const highest = [...whiles.values()].map((own) =>
      own.reduce((one, other) => (other[value] > one[value] ? other : one)),
    );
    return withinLives(value)(highest);
  };
}

/** The first value of each life that has begun: what a process brings with it from those before. */
function acrossLives(value: keyof Reading): Bound["groups"] {
  return (samples) => {
    const later = samples.filter(({ age }) => age >= begun);
    const first = [...Map.groupBy(later, ({ life }) => life).values()].flatMap(([sample]) => sample ?? []);
    return [first.map((sample) => ({ x: hours(sample.at), y: sample[value] }))];
  };
}

/** On disk kills change nothing, and what is kept is kept by message. */
function byMessage(samples: readonly Sample[]): readonly (readonly Point[])[] {
  const settled = samples.filter(({ at }) => at >= begun);
  return [settled.map(({ messages, store }) => ({ x: messages, y: store * 1_024 }))];
}

export const bounds: readonly Bound[] = [
  { name: "heap in a life", unit: "MB an hour", most: 10, groups: withinLives("heap") },
  { name: "RSS in a life", unit: "MB an hour", most: 60, groups: withinLives("rss") },
  { name: "file handles in a life", unit: "an hour", most: 300, groups: highestWithinLives("fds") },
  { name: "timers in a life", unit: "an hour", most: 300, groups: highestWithinLives("timers") },
  { name: "heap over lives", unit: "MB an hour", most: 20, groups: acrossLives("heap") },
  { name: "RSS over lives", unit: "MB an hour", most: 120, groups: acrossLives("rss") },
  { name: "store on disk", unit: "KB a message", most: 4, groups: byMessage },
];

/**
 * Whether anything grows. With its doubt on top a slope that does not is at most what is allowed; one that does is more
 * than that even without its doubt; anything in between tells nothing.
 */
export function judgeSlopes(samples: readonly Sample[]): readonly Verdict[] {
  return bounds.map((bound) => {
    const slope = slopeOf(bound.groups(samples));
    const { perUnit, doubt } = slope;
    const grows = perUnit - doubt > bound.most;
    const verdict = grows ? "GROWS" : perUnit + doubt <= bound.most ? "does not grow" : "too short to tell";
    return { ...slope, bound, verdict };
  });
}

function hours(ms: number): number {
  return ms / 3_600_000;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
