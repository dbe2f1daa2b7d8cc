import type { ActorId } from "../actor-id.ts";

/**
 * The store's key ranges, each by the beginning of its keys. Actor ids are percent-encoded, so `|` separates parts without
 * doubt; numbers are padded, so that keys sort as they count.
 */
export const ranges = {
  record: "r|",
  journal: "j|",
  /** Effects that are to run or run, in the order in which they were asked for. */
  effect: "o|",
  /** How far effects have come. */
  checkpoint: "k|",
  timer: "t|",
  /** What was not taken yet; all of the store's are counted in one. */
  inbox: "i|",
  /** What was taken from outside for actors that could not take it, before it is in their inbox. */
  backlog: "p|",
  /** Ids of events that were taken. */
  seen: "s|",
  crash: "c|",
  deadLetter: "d|",
  vault: "v|",
  ledger: "l|",
  /** What the store says of itself: it is not of the actors, and another store has its own. */
  mark: "m|",
} as const;

export type Range = (typeof ranges)[keyof typeof ranges];

const number = (value: number): string => String(value).padStart(15, "0");

const afterAll = number(999_999_999_999_999);

export const keys = {
  /** What the keys of an actor's rows of a range begin with. */
  ofActor: (range: Range, id: ActorId) => `${range}${id}|`,
  record: (id: ActorId) => `${ranges.record}${id}`,
  journal: (id: ActorId, revision: number) => `${ranges.journal}${id}|${number(revision)}`,
  effect: (id: ActorId, revision: number, n: number) => `${ranges.effect}${id}|${number(revision)}|${number(n)}`,
  /** An action that is done once more. Its number is larger than that of any revision: it comes after all others. */
  replayed: (id: ActorId, sequence: number) => `${ranges.effect}${id}|${afterAll}|${number(sequence)}`,
  checkpoint: (effectKey: string) => `${ranges.checkpoint}${effectKey.slice(ranges.effect.length)}`,
  timer: (id: ActorId, timer: string) => `${ranges.timer}${id}|${timer}`,
  inbox: (id: ActorId, sequence: number) => `${ranges.inbox}${id}|${number(sequence)}`,
  backlog: (id: ActorId, sequence: number) => `${ranges.backlog}${id}|${number(sequence)}`,
  seen: (id: ActorId, event: string) => `${ranges.seen}${id}|${event}`,
  crash: (id: ActorId, at: number, incarnation: number) => `${ranges.crash}${id}|${number(at)}|${number(incarnation)}`,
  deadLetter: (id: ActorId, sequence: number) => `${ranges.deadLetter}${id}|${number(sequence)}`,
  vault: (name: string) => `${ranges.vault}${name}`,
  ledger: (name: string, position: number) => `${ranges.ledger}${name}|${number(position)}`,
  ledgerOf: (name: string) => `${ranges.ledger}${name}|`,
} as const;

/** From and up to all keys that begin with `prefix`: keys are compared as UTF-8, in which no character is behind this one. */
export function boundsOf(prefix: string): { gte: string; lt: string } {
  return { gte: prefix, lt: `${prefix}\u{10ffff}` };
}

/** The range of a key; `undefined` for what this version does not write. */
export function rangeOf(key: string): Range | undefined {
  return Object.values(ranges).find((range) => key.startsWith(range));
}

/** The actor of a key of any of the ranges by actor. */
export function actorOfKey(key: string): ActorId {
  return key.split("|")[1] as ActorId;
}

/** What follows the actor in a key. It may hold a `|` itself: ids of timers and events come from charts. */
export function tailOfKey(key: string): string {
  return key.split("|").slice(2).join("|");
}

/** The number of the store's own count that a key was made with; 0 when it was made with none. */
export function sequenceOfKey(key: string): number {
  const [first = "", second = ""] = tailOfKey(key).split("|");
  switch (rangeOf(key)) {
    case ranges.inbox:
    case ranges.deadLetter:
      return Number(first);
    case ranges.effect:
      return first === afterAll ? Number(second) : 0;
    default:
      return 0;
  }
}
